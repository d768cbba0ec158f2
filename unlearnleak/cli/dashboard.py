"""`unlearnleak dashboard`: the W&B workspace as JSON, or saved to a W&B server."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnleak.errors import UserError, require
from unlearnleak.machine.printable import printable

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Workspace

NAME = "unlearnleak: label leakage"
EXAMPLES = (
    ("--out workspace.json", "to a file"),
    ("outputs/runs/demo --out workspace.json", "with the stages of these runs"),
    ("--push --entity my-team --sweep demo", "to W&B, for one sweep"),
)
NOTHING_LEAVES = "Without --push the workspace is written as JSON and nothing leaves the machine."


def default_project() -> str:
    """The project that runs are logged to (conf/logger/wandb.yaml, WANDB_PROJECT)."""
    from omegaconf import OmegaConf  # noqa: PLC0415  (every completion imports this module)

    from unlearnleak.config.folder import config_folder  # noqa: PLC0415

    return str(OmegaConf.load(Path(config_folder()) / "logger" / "wandb.yaml").project)


def built(arguments: argparse.Namespace) -> "Workspace":
    """The workspace that the arguments ask for."""
    try:
        from unlearnleak.tracking.workspace import workspace  # noqa: PLC0415  (W&B: seconds)
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: python -m pip install wandb-workspaces") from error
    project = arguments.project or default_project()
    entity = arguments.entity or os.environ.get("WANDB_ENTITY", "")
    stages = stages_in(arguments.runs) if arguments.runs else usual_stages()
    return workspace(entity=entity, project=project, sweep=arguments.sweep, name=arguments.name, stages=stages)


def usual_stages() -> list[str]:
    """The stages of a job whose command line says nothing, as the graph has them."""
    from hydra import compose, initialize_config_dir  # noqa: PLC0415  (PyTorch too: seconds)

    import unlearnleak.runs.resolvers  # noqa: F401, PLC0415  (of what conf/ refers to)
    from unlearnleak.config.folder import config_folder  # noqa: PLC0415
    from unlearnleak.pipeline.plan import make_plan  # noqa: PLC0415
    from unlearnleak.pipeline.stages import Pipeline  # noqa: PLC0415

    with initialize_config_dir(config_folder(), version_base="1.3"):
        return list(Pipeline(make_plan(compose("config"))).stages)


def stages_in(folders: list[str]) -> list[str]:
    """The stages of finished runs whose cost is a number, in their order."""
    from unlearnleak.runs.loading import load_runs  # noqa: PLC0415
    from unlearnleak.runs.stages import seconds, stages  # noqa: PLC0415

    runs = [run for run in load_runs([Path(folder) for folder in folders]) if run["status"] == "done"]
    return [stage for stage in stages(runs) if any(seconds(run, stage) is not None for run in runs)]


def as_json(workspace: "Workspace") -> str:
    """What W&B's server stores of a workspace; the library has no public way to it."""
    return workspace._to_model().spec.model_dump_json(by_alias=True, exclude_none=True, indent=1)


def push(workspace: "Workspace") -> str:
    """Save a new workspace to the server that the account belongs to, and return its address.

    Raises:
        UserError: no entity, no key, no server, or one that refuses.
    """
    require(bool(workspace.entity), "--entity", None, "say whose project it is, such as --entity my-team")
    from unlearnleak.tracking.wandb_service import library, require_key  # noqa: PLC0415

    require_key("--push", NOTHING_LEAVES)
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError  # noqa: PLC0415  (W&B: seconds)

    try:
        workspace.save()  # type: ignore[no-untyped-call]
    except (library().Error, WandbApiFailedError) as error:
        raise UserError(
            f"W&B did not take the workspace of {workspace.entity}/{workspace.project}: {error} "
            f"Check the names, the key and the network (WANDB_BASE_URL). {NOTHING_LEAVES}"
        ) from error
    return str(workspace.url)


def dashboard(arguments: argparse.Namespace) -> int:
    """Write the W&B workspace that compares runs as JSON; with --push save it to W&B."""
    from unlearnleak.store.whole_file import write_file  # noqa: PLC0415

    workspace = built(arguments)
    text = as_json(workspace)
    if arguments.out:
        write_file(Path(arguments.out), f"{text}\n".encode(), "--out")
    elif not arguments.push:
        print(text)
    if arguments.push:
        print(printable(push(workspace)))
    return 0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `dashboard` to the commands."""
    parser = commands.add_parser("dashboard", help=dashboard.__doc__, description=NOTHING_LEAVES)
    parser.add_argument(
        "runs", nargs="*", metavar="RUNS", help="folders of runs: show the cost of all their stages, such as a defence"
    )
    parser.add_argument("--out", metavar="FILE", help="write the JSON there instead of to the terminal")
    parser.add_argument("--push", action="store_true", help="save it to W&B as a new workspace and print its address")
    parser.add_argument("--entity", help="W&B team or user (default: WANDB_ENTITY); needed by --push")
    parser.add_argument("--project", help="W&B project (default: where runs are logged)")
    parser.add_argument("--sweep", metavar="NAME", help="only runs of this sweep_name (default: all)")
    parser.add_argument("--name", default=NAME, help="the workspace's name (%(default)s)")
    parser.set_defaults(function=dashboard)
