"""The page of many runs, made up as those of `benchmarks.report`: seconds and memory of a whole process."""

from pathlib import Path

from benchmarks.load.measured import heading, measured, row
from benchmarks.report import write

SOURCE = (
    "import sys; from pathlib import Path; from unlearnleak.report.build import build;"
    "build([Path(sys.argv[1])], out=Path(sys.argv[2]), page_only=True)"
)


def page(folder: Path, runs: list[int]) -> None:
    """Print what the page of so many runs costs, and how large it is."""
    print(heading("page", "seconds", "of processor", "MiB", "MB of page", "goal"))
    for number in runs:
        place = folder / str(number)
        write(place, number)
        cost = measured("-c", SOURCE, place / "runs", place / "out")
        size = (place / "out" / "index.html").stat().st_size / 1e6
        print(
            row(
                f"{number:,} runs",
                cost.seconds,
                cost.busy,
                cost.mib,
                size,
                "20 s, 1,024 MiB" if number == 10_000 else "",
            ),
            flush=True,
        )
