"""What a sweep says at its end of jobs that failed."""

import io
from pathlib import Path

from rich.console import Console

from unlearnleak.sweep.failures import Failure, print_failures


def test_words_of_jobs_are_shown_as_they_are():
    console = Console(file=io.StringIO(), force_terminal=True, width=60, color_system=None)
    failures = [
        Failure(["a=[/b]", "c=[lenet]"], "ValueError: \x1b[2J[/x]\nmore", Path("[red]/run.log")),
        Failure([], "", Path()),
    ]
    print_failures(failures, 3, console)
    said = console.file.getvalue()
    for line in (
        "2 of 3 jobs failed:",
        r"  ValueError: \x1b[2J[/x]",
        "    job  a=[/b] c=[lenet]",
        "    log  [red]/run.log",
    ):
        assert f"{line}\n" in said
    assert "\x1b" not in said
