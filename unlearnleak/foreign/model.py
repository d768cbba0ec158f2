"""Models of others: from a file, or from an object of Python.

open_model("unlearned.pt2", image_shape=(3, 32, 32), mean=MEAN, std=STD).classifier
open_model("w.safetensors", model="resnet18", ...)
open_model("w.pt", model="mynet.py:Net", model_args={"width": 64}, head="fc", ...)
wrap_model(net, ...)
"""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from unlearnleak.errors import UserError
from unlearnleak.foreign import architecture
from unlearnleak.foreign.asked_module import AskedModule
from unlearnleak.foreign.described import ForeignModel, Limit, check_same_architecture
from unlearnleak.foreign.exported import Exported, as_module, read_exported
from unlearnleak.foreign.filling import fill
from unlearnleak.foreign.kind import MODELS, WEIGHTS, Kind, kind_of
from unlearnleak.foreign.reading import with_article
from unlearnleak.foreign.ready import Channels, Found, Inputs, per_channel, ready
from unlearnleak.foreign.scripted import copied, read_scripted
from unlearnleak.foreign.tensors import read_tensors
from unlearnleak.machine.printable import printable
from unlearnleak.model.base import Classifier

__all__ = ["ForeignModel", "Limit", "check_same_architecture", "open_model", "wrap_model"]
Shape = tuple[int, int, int]
CLOSED = "a TorchScript module refuses to show its layers; torch.export.save gives a file that shows them"
ASKED = "a callable shows answers alone; give the module itself, or a file of it"


def open_model(
    path: Path | str,
    *,
    image_shape: Shape,
    mean: Channels,
    std: Channels,
    num_classes: int | None = None,
    model: str | None = None,
    model_args: Mapping[str, object] = {},
    head: str | None = None,
) -> ForeignModel:
    """The model in the file at `path`, whose kind is told by its content.

    Args:
        image_shape: (C, H, W) of the images that it is asked about.
        mean, std: what its images were normalised with, per channel or one number for all, of pixels in [0, 1].
        num_classes: K; None where the file tells.
        model: which architecture weights belong to: a name, or path/net.py:Class (`architecture.build`).
        model_args: arguments of that architecture.
        head: the name of the layer that makes the logits, or "none"; None to look for it.

    Raises:
        UserError: it is no model, would run code, does not fit, or several of its layers may be the head.
    """
    place, kind = Path(path).expanduser(), kind_of(path)
    shape = Inputs(image_shape, per_channel("mean", mean, image_shape), per_channel("std", std, image_shape))
    _refuse(place, kind, model)
    if kind in WEIGHTS:
        found = _from_weights(place, kind, model, shape, num_classes, model_args)
    elif model is not None:
        raise UserError(f"{place} is {kind.one}, which holds its architecture: leave model={model} out.")
    elif kind is Kind.EXPORTED:
        found = _exported(read_exported(place, image_shape), kind.value, str(place))
    else:
        found = Found(read_scripted(place), kind.value, str(place), closed=CLOSED)
    return ready(found, shape, num_classes, head)


def wrap_model(
    model: nn.Module | ExportedProgram | Callable[[Tensor], Any],
    *,
    image_shape: Shape,
    mean: Channels,
    std: Channels,
    num_classes: int | None = None,
    head: str | None = None,
) -> ForeignModel:
    """A module, or a callable from normalised float images [N, C, H, W] to logits or probabilities [N, K].

    A module is copied: nothing that is done to the copy comes back. Arguments and errors are those of `open_model`.
    """
    shape = Inputs(image_shape, per_channel("mean", mean, image_shape), per_channel("std", std, image_shape))
    name = type(model).__name__
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise UserError(f"{model.__name__} is a class and no model yet: make one, and load its weights.")
    if isinstance(model, ExportedProgram):
        found = _exported(as_module(model, name, image_shape), Kind.EXPORTED.value, name)
    elif isinstance(model, torch.jit.ScriptModule):
        found = Found(copied(model), Kind.SCRIPTED.value, name, closed=CLOSED)
    elif isinstance(model, nn.Module):
        plain = getattr(model, "_orig_mod", model)  # what torch.compile compiled: its layers tell what they do
        found = Found(copy.deepcopy(plain), "a module", name)
    elif callable(model):
        found = Found(AskedModule(model).eval(), "a callable", name, closed=ASKED, gradients=False)
    else:
        raise UserError(f"Given is {with_article(name)}, and no model: a torch.nn.Module or a callable is needed.")
    return ready(found, shape, num_classes, head)


def check_model(path: Path | str, model: str | None) -> None:
    """Raises UserError where no model can be made of the file, whatever else is said of it.

    Known before images are asked for: a file that is no model needs none.
    """
    _refuse(Path(path).expanduser(), kind_of(path), model)


def _refuse(place: Path, kind: Kind, model: str | None) -> None:
    if kind not in MODELS:
        raise UserError(f"{place} is no model but {kind.one}.")
    if kind not in WEIGHTS or model is not None:
        return
    read_tensors(place, kind)  # raises where it holds more than weights, or none
    raise UserError(
        f"{place} holds weights alone ({kind.value}). Say which architecture they belong to: --model resnet18, "
        "--model timm:NAME or --model path/net.py:Class. A file of torch.export.save holds both."
    )


def _exported(read: Exported, kind: str, where: str) -> Found:
    return Found(read.module, kind, where, notes=read.notes, batch=read.batch)


def _from_weights(
    path: Path, kind: Kind, model: str | None, shape: Inputs, num_classes: int | None, arguments: Mapping[str, object]
) -> Found:
    assert model is not None, "weights alone are refused beforehand"
    tensors = read_tensors(path, kind)
    bare = architecture.bare(tensors.by_name)
    asked = architecture.Asked(shape.image_shape, num_classes, arguments, shape.mean, shape.std)
    module = architecture.build(model, bare, asked)
    notes = fill(module, tensors.by_name, where=str(path), name=printable(model))
    if isinstance(module, Classifier) and "mean" in bare:
        notes += ("mean and std are those of the file",)
    return Found(module.eval(), kind.value, str(path), notes=(*tensors.notes, *notes))
