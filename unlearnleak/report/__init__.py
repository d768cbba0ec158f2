"""From runs on disk to what people read. Only complete result.json files count as results.

`load` is for notebooks; `unlearnleak report` writes a page and files for papers; `unlearnleak table` prints.
Nothing here computes a stage or writes into the store.
"""

from unlearnleak.runs.frame import load

__all__ = ["load"]
