"""`unlearnleak clean`: what killed processes left behind."""

import argparse
from pathlib import Path

from unlearnleak.errors import UserError

STORE, RUNS = "outputs/artifacts", "outputs/runs"
"""What conf/config.yaml names `store` and `runs`."""
EXAMPLES = (
    ("", "the usual folders"),
    ("--store /scratch/artifacts --runs /scratch/runs", "others"),
    ("--outdated", "what older versions have stored"),
)
ABOUT = "What a living process writes stays, and so does everything that a run or the store has finished."


def clean(arguments: argparse.Namespace) -> int:
    """Remove what killed processes left in a store and among runs, and list it; artifacts and results stay."""
    from unlearnleak.runs.leftovers import clean_runs, clean_store, why_no_runs, why_no_store  # noqa: PLC0415

    store, runs = Path(arguments.store or STORE), Path(arguments.runs or RUNS)
    if arguments.outdated:
        if why := why_no_store(store):
            raise UserError(why)
        return clean_outdated(store)
    chosen = [(store, arguments.store, why_no_store, clean_store), (runs, arguments.runs, why_no_runs, clean_runs)]
    cleaning = []
    for folder, named, why_not, clean_it in chosen:
        if not (why := why_not(folder)):
            cleaning.append((folder, clean_it))
        elif named:  # the other one is left alone as well: who mistypes one may have meant another
            raise UserError(why)
    removed: list[Path] = []
    try:
        for folder, clean_it in cleaning:
            clean_it(folder, removed.append)
    finally:  # also where something could not be removed
        where = " and ".join(str(folder) for folder, _ in cleaning)
        print(f"{len(removed)} leftovers of killed processes removed from {where or 'nowhere: nothing is there yet'}")
        for path in removed:
            print(f"  {path}")
    return 0


def clean_outdated(store: Path) -> int:
    """Remove the artifacts of a store that this version would compute anew, and list them with the reason."""
    from unlearnleak.pipeline.outdated import outdated  # noqa: PLC0415  (it imports the components that a store names)
    from unlearnleak.store.listing import discard  # noqa: PLC0415

    found = outdated(store)
    gone = [one for one in found if discard(store, one.stage, one.key)]
    print(f"{len(gone)} outdated artifacts removed from {store}")
    for one in gone:
        print(f"  {one.stage}/{one.key}: {one.why}")
    return 0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `clean` to the commands."""
    parser = commands.add_parser("clean", help=clean.__doc__, description=ABOUT)
    parser.add_argument("--store", help=f"the store's folder ({STORE})")
    parser.add_argument("--runs", help=f"the folder of runs ({RUNS})")
    parser.add_argument(
        "--outdated", action="store_true", help="remove what older versions stored and no run asks for any more"
    )
    parser.set_defaults(function=clean)
