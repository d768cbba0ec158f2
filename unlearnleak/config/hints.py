"""What is allowed where an override names a setting that is not there: Hydra's own message does not say."""

import re
from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

REFUSED = re.compile(r"Could not override '([\w.@/]+)'")
SWEEPERS = {"hydra/sweeper/optuna": "hydra-optuna-sweeper", "hydra/sweeper/ax": "hydra-ax-sweeper"}
"""Packages of other sweepers, by what is not found where they are not installed."""

MOVED = {"runtime.ledger_classes": "unlearner.ledger_classes, a setting of unlearner=au"}
"""Settings that once had another place, and where they are."""
KNOWN = {place: f"That sweeper is a package of its own: pip install {package}" for place, package in SWEEPERS.items()}
KNOWN |= {before: f"{before} has moved: it is {now}." for before, now in MOVED.items()}
"""What to say of a name, wherever a message has it in quotes."""


def choices(words: Sequence[str], config_folder: str) -> list[str]:
    """The overrides on a command line that choose components ("attack=param_diff"), the first value of each sweep."""
    groups = {folder.name for folder in Path(config_folder).iterdir() if folder.is_dir()}
    return [word.split(",")[0] for word in words if word.partition("=")[0] in groups]


def allowed_beside(message: str, config_folder: str, words: Sequence[str]) -> str | None:
    """The settings beside the one that Hydra could not override, as a sentence; None where that cannot be told.

    `words` are the command line's, or a job's overrides.
    """
    for name, sentence in KNOWN.items():
        if f"'{name}'" in message:
            return sentence
    refused = REFUSED.search(message)
    if refused is None:
        return None
    parent, _, name = refused.group(1).rpartition(".")
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(config_folder, version_base="1.3"):
            config = compose("config", overrides=(chosen := choices(words, config_folder)))
    except (HydraException, OmegaConfBaseException):
        return None
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return None
    if name in node:  # the choices above are the first of each sweep
        there = f"With {' '.join(chosen)} there is such a setting"
        return f"{there}, with another choice of this sweep not: sweep them apart."
    names = ", ".join(sorted(str(name) for name in node if name != "_target_")) or "none"
    return f"Settings of {parent}: {names}." if parent else f"Settings at the top: {names}."
