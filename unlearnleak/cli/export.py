"""`unlearnleak export`: a run's models as files, for who has none of this project's code."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.errors import UserError, require

if TYPE_CHECKING:
    from omegaconf import DictConfig

EXAMPLES = (
    ("outputs/runs/adhoc/RUN", "the model that was attacked, as safetensors"),
    ("outputs/runs/adhoc/RUN --to pt2 --model all", "each model of the run as a graph that needs no code"),
    ("outputs/runs/adhoc/RUN --images --blind", "with the attacker's images; the card does not say what was forgotten"),
)
ABOUT = (
    "Each file comes with a card (a .json beside it, and inside it): architecture, normalisation, how it was made, "
    "seeds, accuracies. `unlearnleak audit FILE` reads them. Models are taken from the store; nothing is computed."
)
FORMATS = ("safetensors", "pt2")
EVERY = "all"


def export(arguments: argparse.Namespace) -> int:
    """Write a run's original or unlearned model to a file, with a card that says what it is."""
    from unlearnleak.pipeline.export import check_images, export_images, export_model, models_in, refuse_there  # noqa: PLC0415  (PyTorch: seconds)
    from unlearnleak.pipeline.plan import make_plan  # noqa: PLC0415
    from unlearnleak.pipeline.stages import Pipeline  # noqa: PLC0415
    from unlearnleak.runs.status import RESULT, read_result  # noqa: PLC0415

    run = Path(arguments.run)
    config = recorded(run)
    if arguments.store:
        config.store = arguments.store
    pipeline = Pipeline(make_plan(config))
    there = models_in(pipeline)
    chosen = pipeline.attacked if arguments.model is None else arguments.model
    allowed = f"{', '.join(there)} or {EVERY}"
    require(chosen in (*there, EVERY), "--model", chosen, f"this run has {allowed}")
    out, result = Path(arguments.out or "."), read_result(run / RESULT)
    aux = out / f"{run.name}-auxiliary.npz"
    if arguments.images:
        check_images(pipeline, blind=arguments.blind)  # before anything is written
        refuse_there(aux)
    written = [
        export_model(pipeline, name, out / f"{run.name}-{name}.{arguments.to}", result, blind=arguments.blind)
        for name in (there if chosen == EVERY else [chosen])
    ]
    if arguments.images:
        written.append(export_images(pipeline, aux, blind=arguments.blind))
    print("\n".join(map(str, written)))
    return 0


def recorded(run: Path) -> "DictConfig":
    """The config that a run was made with; settings that are newer than the run have their defaults.

    Raises:
        UserError: no run lies there.
    """
    from omegaconf import OmegaConf  # noqa: PLC0415
    from omegaconf.errors import OmegaConfBaseException  # noqa: PLC0415
    from yaml import YAMLError  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415

    from unlearnleak.runs.place import CONFIG  # noqa: PLC0415
    from unlearnleak.runs.recorded import plain_yaml  # noqa: PLC0415

    path = run / CONFIG / "config.yaml"
    if not path.exists():
        raise UserError(f"{run} is no folder of a run: there is no {path}.")
    try:
        plain = plain_yaml(path)
        config = OmegaConf.merge(newer_settings(plain), plain) if isinstance(plain, dict) else None
    except (OSError, YAMLError, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise UserError(f"{path} is no config of a run. Run the job again, which writes it anew.") from error
    require(config is not None, str(path), "its content", "a config of a run is a mapping")
    return config  # type: ignore[return-value]


def newer_settings(config: dict[str, Any]) -> dict[str, Any]:
    """Defaults of the settings at the top that a config of an older version lacks."""
    from hydra import compose, initialize_config_dir  # noqa: PLC0415

    import unlearnleak.runs.resolvers  # noqa: F401, PLC0415  (of what conf/ refers to)
    from unlearnleak.config.folder import config_folder  # noqa: PLC0415

    with initialize_config_dir(config_folder(), version_base="1.3"):
        today = compose("config")
    return {str(key): today._get_node(key) for key in today if key not in config}


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `export` to the commands."""
    parser = commands.add_parser("export", help=export.__doc__, description=ABOUT)
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    parser.add_argument("--to", choices=FORMATS, default=FORMATS[0], help="the kind of file (%(default)s)")
    parser.add_argument(
        "--model", metavar="WHICH", help="original, unlearned, defended, or all; the one that was attacked by default"
    )
    parser.add_argument("--out", metavar="FOLDER", help="where the files go (here)")
    parser.add_argument("--store", metavar="FOLDER", help="the run's store, where it has moved")
    parser.add_argument(
        "--images", action="store_true", help="write the attacker's labelled images too, as an .npz file"
    )
    parser.add_argument("--blind", action="store_true", help="leave out of the card what was forgotten, and how")
    parser.set_defaults(function=export)
