"""The architecture that a file of weights belongs to, by the name or the place that somebody typed.

`resnet18` (torchvision, or this project's own where the names of the weights are its), `timm:vit_tiny_patch16_224`,
`path/net.py:Net`. Code is imported from a path that was typed and from nowhere else.
"""

import difflib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unlearnleak.errors import UserError
from unlearnleak.foreign.reading import with_article
from unlearnleak.machine.printable import first_line, printable
from unlearnleak.machine.seeds import isolated
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.fitting import unwrapped

OURS = {"lenet": "LeNet", "resnet18": "ResNet18", "resnet18_cifar": "ResNet18Cifar", "vit": "ViT", "mlp": "Mlp"}
"""Modules of `unlearnleak.model`, and the classes in them."""
USUAL_CLASSES = 1000
"""How many classes models of torchvision and timm have unless told otherwise."""


def bare(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without a wrapper's prefix, and of a Lightning module those under "model." alone."""
    found = unwrapped(dict(tensors))
    inner = {name.removeprefix("model."): value for name, value in found.items() if name.startswith("model.")}
    return inner or found


class Asked(NamedTuple):
    """What is known of the model that is wanted."""

    image_shape: tuple[int, int, int]
    num_classes: int | None
    arguments: Mapping[str, object]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def build(name: str, tensors: Mapping[str, Tensor], asked: Asked) -> nn.Module:
    """A new model of the architecture `name`, whose weights are still its own; a Classifier if it is this project's.

    Raises:
        UserError: there is no such architecture, or it cannot be built so.
    """
    with isolated(0):
        if ".py:" in name:
            return _from_code(name, asked)
        if name.startswith("timm:"):
            return _timm(name.removeprefix("timm:"), tensors, asked)
        if name in OURS and "head.weight" in tensors:
            return _ours(name, tensors, asked)
        from torchvision import models  # noqa: PLC0415  (a second that others are spared)

        known = models.list_models(module=models)
        if name in known:
            return _sized(name, lambda **words: models.get_model(name, weights=None, **words), tensors, asked)
        if _timm_there() and "/" not in name:
            return _timm(name, tensors, asked)
    close = difflib.get_close_matches(name, [*known, *OURS])
    raise UserError(
        f"model={printable(name)[:80]} is not known. Allowed: a model of torchvision"
        f"{f' (did you mean {close[0]}?)' if close else ''}, timm:NAME where timm is installed, "
        f"{' or '.join(OURS)} of this project, or path/net.py:Class for a class of your own."
    )


def _ours(name: str, tensors: Mapping[str, Tensor], asked: Asked) -> Classifier:
    module = importlib.import_module(f"unlearnleak.model.{name}")
    built: Classifier = getattr(module, OURS[name])(
        image_shape=asked.image_shape,
        num_classes=asked.num_classes or len(tensors["head.weight"]),
        mean=asked.mean,
        std=asked.std,
    )
    return built


def _timm_there() -> bool:
    return importlib.util.find_spec("timm") is not None


def _timm(name: str, tensors: Mapping[str, Tensor], asked: Asked) -> nn.Module:
    if not _timm_there():
        raise UserError(f"model=timm:{printable(name)[:80]} needs timm, which is not installed: pip install timm.")
    timm = importlib.import_module("timm")
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models())
        raise UserError(f"timm has no model {printable(name)[:80]}{f'; it has {close[0]}' if close else ''}.")
    extra = {} if asked.image_shape[0] == 3 else {"in_chans": asked.image_shape[0]}
    words = extra | dict(asked.arguments)
    return _sized(name, lambda **more: timm.create_model(name, pretrained=False, **words | more), tensors, asked)


def _sized(name: str, make: Callable[..., nn.Module], tensors: Mapping[str, Tensor], asked: Asked) -> nn.Module:
    """A model of a library with as many classes as were told, or as the weights have rows where its head lies."""
    words = dict(asked.arguments)
    try:
        if "num_classes" not in words:
            words["num_classes"] = asked.num_classes or _rows(make, words, tensors)
        return make(**words)
    except Exception as error:  # whatever a library makes of arguments
        raise _not_built(name, error) from error


def _rows(make: Callable[..., nn.Module], words: Mapping[str, object], tensors: Mapping[str, Tensor]) -> int:
    with torch.device("meta"):
        empty = make(**words)
    ends = [name for name, value in empty.state_dict().items() if value.ndim >= 2 and len(value) == USUAL_CLASSES]
    heads = [value for name, value in tensors.items() if ends and f".{name}".endswith(f".{ends[-1]}")]
    return len(heads[0]) if heads else USUAL_CLASSES


def _from_code(name: str, asked: Asked) -> nn.Module:
    """The class or function of a file that was typed as path/net.py:Class, called with the arguments."""
    place, _, wanted = name.rpartition(":")
    module = _imported(Path(place).expanduser())
    make = getattr(module, wanted, None)
    if not callable(make):
        there = [
            each for each, value in vars(module).items() if inspect.isclass(value) and issubclass(value, nn.Module)
        ]
        raise UserError(f"{place} has no class {wanted!r}. Its modules: {', '.join(there) or 'none'}.")
    words = dict(asked.arguments)
    try:
        if asked.num_classes and "num_classes" in inspect.signature(make).parameters:
            words.setdefault("num_classes", asked.num_classes)
        built = make(**words)
    except Exception as error:  # whatever somebody's code makes of its arguments
        raise _not_built(name, error) from error
    if not isinstance(built, nn.Module):
        raise UserError(f"{name} makes {with_article(type(built).__name__)}, and a torch.nn.Module is needed.")
    return built


def _imported(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"{path} is not there. A relative path starts at the working directory {Path.cwd()}.")
    name = f"unlearnleak_typed_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a path that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and others look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        hint = " Only this file is imported: what it needs must be installed, or in it." * isinstance(
            error, ImportError
        )
        raise UserError(f"{path} cannot be imported: {_told(error)}.{hint}") from error
    return module


def _not_built(name: str, error: Exception) -> UserError:
    return UserError(f"model={printable(name)[:120]} cannot be built so: {_told(error)}. Its arguments: --model-args.")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {printable(first_line(error))[:200]}"
