"""Small jobs: the real configuration, shrunk, on a few images that any model can tell apart."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

import unlearnleak.runs.resolvers  # noqa: F401  (of what conf/ refers to)
from unlearnleak.config.folder import config_folder
from unlearnleak.config.schema import GROUPS
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.sweep.compose import SharedLoader

CLASSES = 4
STAGES = ("data", "original", "unlearned", "evidence", "verdict")
SMALL: dict[str, dict[str, Any]] = {
    "dataset": {"auxiliary_per_class": 6},
    "training": {"epochs": 2, "batch_size": 16},
    "unlearner": {"epochs": 1, "batch_size": 16},
    "attack": {
        "heads": 3,
        "subset_size": 4,
        "steps": 5,
        "shadows": 8,
        "shadow_steps": 5,
        "restarts": 2,
        "population": 6,
        "generations": 3,
        "images": 20,
        "probes": 3,
        "used": 2,
        "coordinates": 20,
    },
    "evaluation": {"probe_per_class": 10, "relearn_samples": 20, "relearn_batch": 8, "relearn_most": 5, "shadows": 4},
    "runtime": {"device": "cpu", "threads": 1},
}
"""What makes a job small, by config group; each setting is used where the chosen component has it."""


def composed(*overrides: str) -> DictConfig:
    """The real conf/ with these words on the command line."""
    return copy.deepcopy(_composed(overrides))


@cache
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    loader, master = _loader()
    config = loader.plan_config(master, list(overrides))
    with open_dict(config):
        del config["hydra"]
    return config


@cache
def _loader() -> tuple[SharedLoader, DictConfig]:
    """Hydra takes a tenth of a second for a job; this composes each choice of components once, as sweeps do.

    It also reads each file once.
    """
    with initialize_config_dir(config_folder(), version_base="1.3"):
        hydra = GlobalHydra.instance().config_loader()
    loader = SharedLoader(hydra)
    for source in loader.repository.get_sources():
        source.load_config = _read_once(source.load_config)
    return loader, loader.load_configuration("config", [], RunMode.MULTIRUN)


def _read_once(load_config: Callable[[str], ConfigResult]) -> Callable[[str], ConfigResult]:
    read = cache(load_config)
    return lambda config_path: copy.deepcopy(read(config_path))


NEEDS = {
    "attack=gradient_matching_exact": ("finetuning.samples=40",),
    "unlearner=l1_sparse": ("unlearner.free_epochs=0",),
    "unlearner=scrub": ("unlearner.max_epochs=1",),
}
"""What a choice cannot be without."""


def small(*overrides: str) -> list[str]:
    """`overrides`, preceded by those that make the job small; what is named is left as it is."""
    overrides = (*(need for word in overrides for need in NEEDS.get(word, ())), *overrides)
    config = _composed(tuple(word for word in overrides if word.partition("=")[0] in GROUPS))
    named = {word.partition("=")[0] for word in overrides}
    shrunk = [
        f"{group}.{name}={value}"
        for group, settings in SMALL.items()
        for name, value in settings.items()
        if name in config[group] and f"{group}.{name}" not in named
    ]
    return [*shrunk, *overrides]


def images(classes: int = CLASSES, side: int = 12, train: int = 20, test: int = 5) -> dict[str, np.ndarray]:
    """Grey images, `train` and `test` of each class: a bright row and column per class, and noise."""
    draw = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(classes * count) % classes
        pixels = draw.integers(0, 60, (len(labels), side, side))
        pixels[np.arange(len(labels)), 2 * labels + 1, :] += 190
        pixels[np.arange(len(labels)), :, 2 * labels + 1] += 190
        arrays |= {f"{part}_images": pixels.clip(0, 255).astype(np.uint8), f"{part}_labels": labels}
    return arrays


def write_npz(path: Path, **changed: np.ndarray) -> Path:
    """`images()` as a file, some arrays replaced."""
    np.savez(path, **(images() | changed))
    return path


def overrides_in(folder: Path, *overrides: str) -> list[str]:
    """A small job on the file `folder`/images.npz, which is made if needed, with its store in `folder`."""
    path = folder / "images.npz"
    if not path.exists():
        write_npz(path)
    own = [f"dataset.path={path}", f"store={folder / 'store'}", f"runs={folder / 'runs'}"]
    named = {word.partition("=")[0] for word in overrides}
    base = ["dataset=npz", "logger=none"]
    kept = [word for word in [*base, *own] if word.partition("=")[0] not in named]
    return small(*kept, *overrides)


def pipeline_in(folder: Path, *overrides: str) -> Pipeline:
    """The pipeline of a small job."""
    return Pipeline(make_plan(composed(*overrides_in(folder, *overrides))))


def run_stages(pipeline: Pipeline) -> Pipeline:
    """Compute or find every stage."""
    for stage in STAGES:
        if stage in pipeline.stages:  # an attack that recovers images reaches no verdict
            pipeline.artifact(stage)
    return pipeline
