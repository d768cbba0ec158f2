"""`unlearnleak status`: how a sweep stands."""

import argparse
from pathlib import Path

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable

EXAMPLES = (
    ("", "the last sweep that was launched"),
    ("demo", "the sweep of this name"),
    ("/scratch/runs/demo", "the sweep in this folder"),
    ("--store outputs/artifacts", "which artifacts are of older versions"),
)
ABOUT = (
    "It starts nothing and may be asked at any time, on any machine that sees the folder: how the launch stands, how "
    "far each wave is, what failed and why."
)


def status(arguments: argparse.Namespace) -> int:
    """Say how a sweep stands, from what lies on disk; it may run in another terminal or on another machine."""
    if arguments.store is not None:
        return outdated_in(Path(arguments.store))
    from unlearnleak.sweep import board  # noqa: PLC0415  (only this command needs it)

    launch = board.latest_launch(Path(arguments.sweep) if arguments.sweep else None, Path(arguments.runs))
    print(printable(board.report(launch), keep="\n"))
    return 0


def outdated_in(store: Path) -> int:
    """Say which artifacts of a store no run asks for any more."""
    from unlearnleak.pipeline.outdated import outdated  # noqa: PLC0415  (it imports the components that a store names)
    from unlearnleak.runs.leftovers import why_no_store  # noqa: PLC0415

    if why := why_no_store(store):
        raise UserError(why)
    found = outdated(store)
    print(f"{store}: {len(found)} artifacts are of older versions; `unlearnleak clean --outdated` removes them")
    for one in found:
        print(printable(f"  {one.stage}/{one.key}: {one.why}"))
    return 0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `status` to the commands."""
    parser = commands.add_parser("status", help=status.__doc__, description=ABOUT)
    parser.add_argument(
        "sweep", nargs="?", metavar="SWEEP", help="its folder or its name; the last one launched by default"
    )
    parser.add_argument("--runs", default="outputs/runs", metavar="FOLDER", help="where sweeps lie (%(default)s)")
    parser.add_argument("--store", metavar="FOLDER", help="say instead what is outdated in this store of artifacts")
    parser.set_defaults(function=status)
