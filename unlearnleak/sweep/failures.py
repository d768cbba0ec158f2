"""What failed in a sweep, for people: the jobs, why, where to read more, and the command that repeats only those."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from unlearnleak.printable import first_line, plain

MOST_REASONS, MOST_JOBS = 20, 5


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
    named = {word.partition("=")[0] for word in more} | {"fail_fast", "dry_run"}
    words = [word for word in sys.argv[1:] if word.partition("=")[0] not in named]
    return shlex.join([*start, *words, *more])


def differing(all_overrides: Sequence[Sequence[str]]) -> list[list[str]]:
    """The overrides by which the jobs of a sweep differ; of a single job, all of them."""
    common = set(all_overrides[0]).intersection(*map(set, all_overrides[1:])) if len(all_overrides) > 1 else set()
    return [[word for word in overrides if word not in common] for overrides in all_overrides]


def by_reason(failures: Sequence[Failure]) -> dict[str, list[Failure]]:
    """Failures with the same words together, in the order of the first of each."""
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(first_line(failure.why), []).append(failure)
    return groups


def print_failures(failures: Sequence[Failure], total: int, console: Console) -> None:
    """Each reason once, with its jobs and where to read more, and the command that repeats only these jobs.

    Lines are not broken, so that paths can be copied.
    """
    lines = [f"{len(failures)} of {total} jobs failed:"]
    groups = list(by_reason(failures).items())
    for why, same in groups[:MOST_REASONS]:
        lines += ["", f"  {why}" + (f"  ({len(same)} jobs)" if len(same) > 1 else "")]
        lines += [f"    job  {' '.join(failure.overrides)}" for failure in same[:MOST_JOBS]]
        if len(same) > MOST_JOBS:
            lines.append(f"    ...  and {len(same) - MOST_JOBS} more")
        lines.append(f"    log  {same[0].log}")
    if len(groups) > MOST_REASONS:
        lines += ["", f"  ... and {len(groups) - MOST_REASONS} other reasons: see `unlearnleak status`"]
    lines += ["", "To repeat only these:", f"  {command('only=failed')}"]
    for line in lines:
        console.print(plain(line), soft_wrap=True)
