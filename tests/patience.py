"""How long tests wait for what must come: for the event itself, with a limit that only a broken wait meets.

Tests run side by side, on machines that do other work too: a process that starts in two seconds may take twenty.
"""

import time
from collections.abc import Callable

PATIENCE = 200.0
"""Seconds after which something that must come is given up."""


def wait_until(condition: Callable[[], object], what: str = "what was waited for", pause: float = 0.02) -> None:
    """Return when the condition holds; one that does not come true fails the test by name."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {PATIENCE:.0f} s"
        time.sleep(pause)
