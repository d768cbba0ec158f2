"""`unlearnleak sync`: uploads the offline W&B runs of whole sweeps."""

import argparse
from collections import Counter
from pathlib import Path

from unlearnleak.errors import UserError, require

EXAMPLES = (("outputs/runs/demo --workers 8", "a sweep's W&B runs"),)
ABOUT = (
    "Each run has a `wandb sync` process of its own and a time limit: one that a server does not answer, or one that "
    "W&B cannot read, keeps nothing from the others. W&B leaves a marker beside each run that it has uploaded; such "
    "runs are skipped, so that the same command again goes on where it stopped."
)


def sync(arguments: argparse.Namespace) -> int:
    """Upload the offline W&B runs of sweeps; exit status 1 if any failed."""
    from unlearnleak.tracking import sync as uploading  # noqa: PLC0415  (only this command needs it)
    from unlearnleak.tracking.wandb_service import require_key  # noqa: PLC0415

    require(arguments.timeout > 0, "--timeout", arguments.timeout, "give a run some seconds, such as 60")
    require(arguments.workers > 0, "--workers", arguments.workers, "at least one process is needed, such as 4")
    every = uploading.offline_runs([Path(folder) for folder in arguments.runs])
    if not every:
        where = ", ".join(arguments.runs)
        raise UserError(f"No offline W&B run lies below {where}: logger=none and WANDB_MODE=disabled write none.")
    chosen = every if arguments.all else uploading.latest(every)
    waiting = [run for run in chosen if not uploading.is_synced(run)]
    if waiting:
        require_key("unlearnleak sync")
    syncing = uploading.Syncing(timeout=arguments.timeout, command=uploading.COMMAND)
    counts = Counter(outcome.status for outcome in uploading.sync_all(waiting, syncing, arguments.workers))
    print(uploading.upload_summary(counts, len(chosen) - len(waiting), len(every) - len(chosen)))
    if syncing.stopped.is_set():
        return 130
    return 1 if counts["failed"] + counts["timeout"] else 0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `sync` to the commands."""
    parser = commands.add_parser("sync", help=sync.__doc__, description=ABOUT)
    parser.add_argument("runs", nargs="+", metavar="RUNS", help="folders of runs, such as outputs/runs/demo")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="per run (%(default)s)")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="runs at a time (%(default)s)")
    parser.add_argument("--all", action="store_true", help="also earlier attempts of a job that was started again")
    parser.set_defaults(function=sync)
