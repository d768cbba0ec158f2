"""Recipes: settings that were searched for one data set, model and unlearner, and what stands where there is none.

`conf/config.yaml` takes conf/recipe/DATASET_MODEL.yaml for training and conf/recipe/DATASET_MODEL_UNLEARNER.yaml for
the unlearner if there are such files. A recipe serves the model it was found for alone. `recipe@unlearner=NAME` takes
another one on purpose, `~recipe@unlearner` none.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from unlearnleak.errors import UserError

SECTIONS = {"unlearner": "{dataset}_{model}_{unlearner}", "training": "{dataset}_{model}"}
"""The parts of a config that a recipe sets, and what a recipe for them is called."""


def missing_recipes(config: DictConfig, chosen: Mapping[str, Any], sources: Iterable[Any]) -> str | None:
    """Which settings of a job were searched for no such job, and what stands in their place, in one line.

    None where every part has its recipe: an unlearner without settings to search (it has no rate, and nobody searched
    for a recipe of it) needs none, nor does one that is not reached, nor a model whose weights somebody brings in a
    file (`unlearner.path`).

    Args:
        config: the composed config of the job.
        chosen: what was chosen for each group, as `hydra.runtime.choices` has it.
        sources: where configs are found, as `hydra.runtime.config_sources` has it.

    Raises:
        UserError: a recipe was named that is not there.
    """
    if config.unlearner.get("path") is not None:
        return None
    known = recipes(sources)
    wanted = [part for part in SECTIONS if chosen.get(f"recipe@{part}") is not None]
    missing = {part for part in wanted if not has_recipe(part, chosen, known)}
    searched = "lr" in config.unlearner or any(name.endswith(f"_{chosen['unlearner']}") for name in known)
    if "unlearner" in missing and searched and config.until != "original":
        name, old = chosen["recipe@unlearner"], f"{chosen['dataset']}_{chosen['unlearner']}"
        hint = f"; conf/recipe/{old}.yaml is not read any more: call it {name}.yaml" if old in known else ""
        training = "conf/config.yaml" if "training" in missing else f"conf/recipe/{chosen['recipe@training']}.yaml"
        return (
            f"no recipe for {chosen['unlearner']} on {chosen['dataset']} with {chosen['model']}: the values of "
            f"conf/unlearner/{chosen['unlearner']}.yaml stand, for training those of {training}, unless set otherwise"
            f"{hint}"
        )
    if "training" in missing:
        return (
            f"no recipe for training {chosen['model']} on {chosen['dataset']}: the values of conf/config.yaml stand, "
            "unless set otherwise"
        )
    return None


def has_recipe(part: str, chosen: Mapping[str, Any], known: frozenset[str]) -> bool:
    """Whether a recipe sets this part of the config.

    Raises:
        UserError: it was named, and is not there. Hydra leaves it out in silence, as one that nobody named.
    """
    name = chosen[f"recipe@{part}"]
    if name not in known and name != SECTIONS[part].format(**chosen):
        kind = chosen["unlearner" if part == "unlearner" else "model"]
        there = ", ".join(sorted(each for each in known if each.endswith(f"_{kind}"))) or f"none for {kind}"
        raise UserError(f"recipe@{part}={name} is not possible: there is no conf/recipe/{name}.yaml. Allowed: {there}.")
    return name in known


def recipes(sources: Iterable[Any]) -> frozenset[str]:
    """The names of all recipes that Hydra finds in these places, such as "digits_lenet_ng"."""
    return frozenset().union(*(recipes_at(each["schema"], each["path"]) for each in sources))


@cache
def recipes_at(schema: str, path: str) -> frozenset[str]:
    """The names of the recipes in one folder or package of configs; looked up once each."""
    if schema not in ("file", "pkg"):
        return frozenset()
    folder = (Path(path) if schema == "file" else files(path)).joinpath("recipe")
    if not folder.is_dir():
        return frozenset()
    return frozenset(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
