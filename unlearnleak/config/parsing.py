"""References in settings (`${...}`) are parsed once each while a grid is planned.

OmegaConf parses the text of a reference whenever its value is asked for, in about a third of a millisecond. The jobs of
a grid ask for the same dozen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import omegaconf.base

MOST = 4096
"""Different texts that are remembered."""


@contextmanager
def parsed_once() -> Iterator[None]:
    """Remember how texts are parsed until the context's end; what they refer to is looked up each time."""
    parse = getattr(omegaconf.base, "parse", None)  # OmegaConf's own: another version may have no such function
    if parse is None:
        yield
        return
    omegaconf.base.parse = lru_cache(MOST)(parse)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        omegaconf.base.parse = parse  # type: ignore[attr-defined]
