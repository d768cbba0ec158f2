"""What failed in a sweep, for people: the jobs, why, where to read more, and the command that repeats only those."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

MOST = 30


@dataclass(frozen=True)
class Failure:
    """One failed job."""

    overrides: Sequence[str]
    why: str
    log: Path


def command(*more: str) -> str:
    """The command line of this process, fit for a shell, with further words."""
    program = Path(sys.argv[0]).name
    start = ["python", "-m", "unlearnleak.run"] if program.endswith(".py") else [program]
    named = {word.partition("=")[0] for word in more}
    words = [word for word in sys.argv[1:] if word.partition("=")[0] not in named]
    return shlex.join([*start, *words, *more])


def differing(all_overrides: Sequence[Sequence[str]]) -> list[list[str]]:
    """The overrides by which the jobs of a sweep differ; of a single job, all of them."""
    common = set(all_overrides[0]).intersection(*map(set, all_overrides[1:])) if len(all_overrides) > 1 else set()
    return [[word for word in overrides if word not in common] for overrides in all_overrides]


def print_failures(failures: Sequence[Failure], total: int, console: Console) -> None:
    """A table of the failed jobs and the command that repeats only those."""
    table = Table(box=box.SIMPLE, title=f"{len(failures)} of {total} jobs failed", title_justify="left", expand=False)
    table.add_column("job", overflow="fold", ratio=2)
    table.add_column("error and log file", overflow="fold", ratio=3)
    for failure in failures[:MOST]:
        first = (failure.why.splitlines() or [""])[0]
        table.add_row(Text("\n".join(failure.overrides)), Text(f"{first}\n{failure.log}"))
    console.print(table)
    if len(failures) > MOST:
        console.print(f"... and {len(failures) - MOST} more: see `unlearnleak status`.", highlight=False)
    console.print(Text(f"To repeat only these:\n  {command('only=failed')}"), soft_wrap=True)
