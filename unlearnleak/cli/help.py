"""What `unlearnleak COMMAND --help` says beside the arguments: what the command does, and examples."""

import argparse
import textwrap

ABOUT = {
    "table": "A line per unlearner and number of forgotten classes, a table per data set, attack and screening. Runs "
    "whose settings differ in more than seeds and classes have lines of their own, under their settings' digest.",
    "status": "It starts nothing and may be asked at any time, on any machine that sees the folder: how the launch "
    "stands, how far each wave is, what failed and why.",
    "clean": "What a living process writes stays, and so does everything that a run or the store has finished.",
}
"""What a command's own sentence leaves open."""

EXAMPLES = {
    "table": (
        ("outputs/runs/demo", "what leaked"),
        ("outputs/runs/demo outputs/runs/adhoc --csv", "every run's numbers, for a spreadsheet"),
        ("outputs/runs/demo --csv --columns attack,asr", "some of them"),
        ("outputs/runs/ng_2 --by unlearner.lr,unlearner.epochs", "a search for a recipe"),
        ("outputs/runs/demo --pivot exact", "a matrix for a document"),
        ("outputs/runs/demo --shuffle-truth 1", "the control: attacks fall to chance"),
    ),
    "tables": (
        ("outputs/runs/single_class outputs/runs/multi_class", "all six"),
        ("outputs/runs/single_class --table III --table V --markdown", "two of them, for a document"),
    ),
    "variance": (("outputs/runs/adhoc --metric asr --metric auroc", "of two metrics"),),
    "report": (
        ("outputs/runs/demo", "the page and the files for papers"),
        ("outputs/runs/demo --page-only --out /tmp/look", "a quick look, elsewhere"),
        ("outputs/runs/after --against outputs/runs/before", "what a defence has changed"),
    ),
    "status": (
        ("", "the last sweep that was launched"),
        ("demo", "the sweep of this name"),
        ("/scratch/runs/demo", "the sweep in this folder"),
    ),
    "sync": (("outputs/runs/demo --workers 8", "a sweep's W&B runs"),),
    "dashboard": (
        ("--out workspace.json", "to a file"),
        ("--push --entity my-team --sweep demo", "to W&B, for one sweep"),
    ),
    "clean": (
        ("", "the usual folders"),
        ("--store /scratch/artifacts --runs /scratch/runs", "others"),
    ),
}
"""The words after `unlearnleak COMMAND`, and what they give."""


class Paragraphs(argparse.HelpFormatter):
    """Breaks lines within paragraphs, and leaves those alone that begin with a space."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = [[line] if line.startswith(" ") else textwrap.wrap(line, width) or [""] for line in text.splitlines()]
        return "\n".join(indent + line for some in lines for line in some)


def explain(name: str, command: argparse.ArgumentParser) -> None:
    """Give a command's --help its own sentence, what it leaves open, what was written already, and examples."""
    own = command.get_default("function").__doc__
    command.description = "\n\n".join(filter(None, [own, ABOUT.get(name), command.description]))
    shown = [(f"unlearnleak {name} {words}".strip(), what) for words, what in EXAMPLES.get(name, ())]
    command.epilog = "\n".join(["examples:", *(f"  {words}\n      {what}" for words, what in shown)])
    command.formatter_class = Paragraphs
