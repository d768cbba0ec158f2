"""What a config's settings may refer to by `${...}`: an attacker's must not lead to the truth, nor any to a secret.

An attack or a screening whose settings follow the forgotten classes, or a seed that decides them, knows the answer
beforehand. So the settings of what an attacker does are plain values; a group's own settings may be referred to.
"""

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from unlearnleak.errors import UserError
from unlearnleak.machine.secrets import is_secret

PLACES = ("root", "path")
"""Settings of a data set that say where it lies: which machine's folders there are is the environment's business."""
ELSEWHERE = re.compile(r"\$\{(oc\.env:[\w]+(,[^${}]*)?|hydra:runtime\.(cwd|choices\.\w+))\}")
SEED = re.compile(r"\$\{(seed|seeds\.\w+)\}")
PLAIN = ("dataset", "model", "training", "attack", "screening", "auxiliary", "seed", "seeds")
"""Groups from which an attacker learns: how it works, on what, and with which random numbers."""


def texts(node: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every unresolved text in a config node with its full name."""
    if isinstance(node, DictConfig | ListConfig):
        if node._is_none() or node._is_missing():
            return
        if node._is_interpolation():
            yield name, str(node._value())
            return
        content: Any = node._content
        for key, item in content.items() if isinstance(content, dict) else enumerate(content):
            yield from texts(item, f"{name}.{key!s}")
    elif OmegaConf.is_config(node) or hasattr(node, "_value"):
        if isinstance(node._value(), str):
            yield name, node._value()
    elif isinstance(node, str):
        yield name, node


def refuse_references(node: Any, group: str) -> None:
    """Hold the references in a group's settings against what it may refer to.

    Raises:
        UserError: naming the setting, its value and what is allowed.
    """
    for name, text in texts(node, group):
        rest = ELSEWHERE.sub("", text) if group == "dataset" and name.rpartition(".")[2] in PLACES else text
        if group in PLAIN:
            rest = re.sub(rf"\$\{{(\.|{group}\.)\w+\}}", "", rest)
            rest = SEED.sub("", rest) if group == "seeds" else rest
            if "${" in rest:
                raise UserError(
                    f"{name}={text} is not possible: {REASONS[group]}. Write the value itself"
                    f"{', or refer to seed' if group == 'seeds' else f', or refer to a setting of {group}'}."
                )
        elif "oc.env" in rest:
            raise UserError(
                f"{name}={text} is not possible: what stands in a result does not come from the environment. Write the "
                "value itself."
            )


REASONS = {
    "attack": "a reference could tell an attacker what it must not know, such as the forgotten classes",
    "screening": "a reference could tell an attacker what it must not know, such as the forgotten classes",
    "auxiliary": "a reference could tell an attacker what it must not know; without_forgotten is a word for it",
    "dataset": "the images are chosen before anything is forgotten, and the environment is no part of a result",
    "model": "the model is chosen before anything is forgotten, and the environment is no part of a result",
    "training": "the original is trained before anything is forgotten, and the environment is no part of a result",
    "seed": "a seed decides what an attacker draws, and is no part of the truth",
    "seeds": "a seed decides what an attacker draws, and is no part of the truth",
}


FROM_OUTSIDE = ("store", "runs", "runtime", "logger", "hydra", *(f"dataset.{name}" for name in PLACES))
"""Settings that may name a variable: where things lie and run is the environment's business."""
VARIABLE = re.compile(r"\$\{oc\.env:(\w+)(,[^${}]*)?\}")
HIDDEN_NAME = re.compile(r"\$\{[^{}:]*\$\{")
"""A reference whose own name is made of another: what it asks for is not to be seen."""


def refuse_secrets(config: DictConfig) -> None:
    """Hold every reference to the environment, in all of a config, against what may leave it.

    Raises:
        UserError: it asks for a variable that is named like a secret, or stands where a result would tell its value.
    """
    for whole, text in texts(config, ""):
        name = whole.removeprefix(".")
        if secret := next((found[1] for found in VARIABLE.finditer(text) if is_secret(found[1])), None):
            raise UserError(
                f"{name}={text} is not possible: {secret} is named like a secret, and settings are written into "
                "results, logs and W&B. What needs it, such as W&B, takes it from the environment by itself."
            )
        may = any(f"{name}.".startswith(f"{place}.") for place in FROM_OUTSIDE)
        rest = VARIABLE.sub("", text) if may else text
        if re.search(r"\boc\.env\b", rest) or HIDDEN_NAME.search(rest):
            raise UserError(
                f"{name}={text} is not possible: what stands in a result does not come from the environment. Write the "
                f"value itself; only {', '.join(FROM_OUTSIDE)} may name a variable, as ${{oc.env:NAME}}."
            )


def refuse_all(config: DictConfig) -> None:
    """`refuse_references` for every setting that decides a job's numbers.

    Raises:
        UserError: the first that refers to what it may not.
    """
    for group in (*PLAIN, "unlearner", "gate", "forget_classes"):
        refuse_references(config._get_node(group), group)
