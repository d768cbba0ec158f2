"""What failed in a sweep, for people: the jobs, why, where to read more, and the command that repeats only those."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from unlearnleak.machine.printable import first_line, plain

MOST_REASONS, MOST_JOBS = 20, 5


@dataclass(frozen=True)
class Failure:
    """One failed job; `because` names the stage that it needed, where that is what failed."""

    overrides: Sequence[str]
    why: str
    log: Path
    because: str | None = None


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


def job_lines(jobs: Sequence[Sequence[str]], most: int = MOST_JOBS) -> list[str]:
    """A line for each of the first jobs, by their overrides, and one for how many more there are."""
    more = [f"    ...  and {len(jobs) - most} more"] if len(jobs) > most else []
    return [f"    job  {' '.join(overrides)}" for overrides in jobs[:most]] + more


def print_failures(failures: Sequence[Failure], total: int, console: Console) -> None:
    """Each reason once, with its jobs and where to read more, and the command that repeats only these jobs.

    Of jobs that only lack what a failed stage should have given, one stands for all.
    Lines are not broken, so that paths can be copied.
    """
    lines = [f"{len(failures)} of {total} jobs failed:"]
    groups = list(by_reason(failures).items())
    for why, same in groups[:MOST_REASONS]:
        many, most = ("jobs depend on it", 1) if same[0].because else ("jobs", MOST_JOBS)
        lines += ["", f"  {why}" + (f"  ({len(same)} {many})" if len(same) > 1 else "")]
        lines += job_lines([failure.overrides for failure in same], most)
        lines.append(f"    log  {same[0].log}")
    if len(groups) > MOST_REASONS:
        lines += ["", f"  ... and {len(groups) - MOST_REASONS} other reasons: see `unlearnleak status`"]
    lines += ["", "To repeat only these:", f"  {command('only=failed')}"]
    for line in lines:
        console.print(plain(line), soft_wrap=True)
