"""The shapes in which W&B can group and draw a run's settings and results."""

from typing import Any

from omegaconf import OmegaConf

from unlearnleak.config.build import component_name

METHOD = "method"
"""The config key of the unlearner, with what it forgot where that is not whole classes, and the defence if any."""
PAIR = "unlearner_attack"
"""The config key by which a bar plot, which groups by one key, compares unlearner x attack."""


def by_words(config: dict[str, Any]) -> dict[str, Any]:
    """A run's config, whose groups are short words, as on the command line; their settings move beside them.

    `{"unlearner": {"_target_": "unlearnleak.unlearner.rt.Retrain", "lr": 0.1}}` becomes `{"unlearner": "rt",
    "unlearner_settings": {"_target_": ..., "lr": 0.1}}`. W&B groups runs by the values of a key, and a whole group of
    settings is no value that can be read. `unlearner_attack` is both words, such as "rt / param_dot", with the
    defence where there is one ("rt + weight_noise / param_dot"). A data
    set that was given a `name` is that.
    """
    shaped: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict) and "_target_" in value:
            word = component_name(OmegaConf.create({"_target_": value["_target_"]}))
            shaped[name] = value.get("name") or word if name == "dataset" else word
            shaped[f"{name}_settings"] = value
        else:
            shaped[name] = value
    if not all(isinstance(shaped.get(group), str) for group in ("unlearner", "attack")):
        return shaped
    return shaped | {METHOD: method(shaped), PAIR: f"{method(shaped)} / {shaped['attack']}"}


def method(shaped: dict[str, Any]) -> str:
    """What was done to the model, in words, as reports have it: "ft", "rt (20 %)", "rt (4 samples)", "ft + noise"."""
    share, defense = shaped.get("forget_share", 1), shaped.get("defense", "none")
    part = f" ({100 * share:g} %)" if isinstance(share, int | float) and share < 1 else ""
    rows = shaped.get("forget_rows")
    if not part and rows is not None:
        count = len(rows) if isinstance(rows, list) else None
        part = " (samples)" if count is None else f" ({count} sample{'' if count == 1 else 's'})"
    return f"{shaped['unlearner']}{part}{f' + {defense}' if isinstance(defense, str) and defense != 'none' else ''}"


def drawable(values: dict[str, Any]) -> dict[str, Any]:
    """Results with 0 or 1 in the place of a boolean: W&B's panels draw and average numbers only."""
    return {name: int(value) if isinstance(value, bool) else value for name, value in values.items()}
