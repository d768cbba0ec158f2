"""A run's model as a file of its own, with a card, so that others can use and audit it."""

import io
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from unlearnleak.adversary.holdings import WITHOUT
from unlearnleak.errors import UserError
from unlearnleak.foreign.card import NAME, Card
from unlearnleak.model.base import Classifier
from unlearnleak.pipeline.record import provenance
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.store.temporary import name_beside

BEFORE = ("pretrained", "original")
"""Stages that end with a model from before unlearning."""
ACCURACY = ("forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc", "gate")
"""What a card says of a run's result."""


class Exported(nn.Module):
    """What a .pt2 file computes: logits [N, K] of normalised images [N, C, H, W]."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The model's logits."""
        logits: torch.Tensor = self.model(images)
        return logits


def models_in(pipeline: Pipeline) -> list[str]:
    """The names of the stages that end with a model."""
    return [name for name, stage in pipeline.stages.items() if name in (*BEFORE, pipeline.after, pipeline.attacked)]


def card_of(pipeline: Pipeline, name: str, result: Mapping[str, Any] | None, *, blind: bool) -> Card:
    """The card of a run's model; `blind` leaves out all that says, or hints at, what was forgotten."""
    plan, facts = pipeline.plan, pipeline.facts
    about: dict[str, Any] = {"stage": name, "dataset": plan.names["dataset"], "made_with": provenance(pipeline)}
    if not blind:
        about |= {
            "unlearner": plan.names["unlearner"],
            "defense": plan.names["defense"],
            "forget_classes": list(pipeline.requested_classes) if pipeline.truth_known else None,
            "forget_share": plan.forget_share,
            "seeds": vars(plan.seeds),
            "settings": {group: plan.spec[group] for group in ("model", "training", "unlearner")},
            "key": pipeline.key(name),
            "accuracy": {key: result.get(key) for key in ACCURACY} if result else None,
        }
    return Card(model=plan.names["model"], head="head", about=about, **facts._asdict())


def save_safetensors(model: Classifier, card: Card, path: Path) -> None:
    """Weights and normalisation, with the card in the header."""
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    path.write_bytes(save(tensors, {NAME: card.text()}))  # as save_file, whose files nobody else may read


def save_exported(model: Classifier, card: Card, path: Path) -> None:
    """A graph with weights that needs no code of this project: any number of normalised images in, logits out."""
    whole = Exported(model).eval()
    images = torch.zeros(2, *model.image_shape)
    batch = torch.export.Dim("batch", min=1, max=2**20)
    written = io.BytesIO()  # a path that does not end in .pt2 is complained of
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of PyTorch's own to its authors
        program = torch.export.export(whole, (images,), dynamic_shapes={"images": {0: batch}})
        torch.export.save(program, written, extra_files={NAME: card.text()})
    path.write_bytes(written.getvalue())


FORMATS: dict[str, Callable[[Classifier, Card, Path], None]] = {"safetensors": save_safetensors, "pt2": save_exported}
"""Kinds of files, by their suffix."""


def export_model(
    pipeline: Pipeline, name: str, path: Path, result: Mapping[str, Any] | None = None, *, blind: bool = False
) -> Path:
    """Write the model that a stage ends with to `path`, whose suffix says how, and its card beside it.

    The model is taken from the store; nothing is computed. Written whole or not at all.

    Raises:
        UserError: the model is not in the store, or the file is there already.
    """
    stage = pipeline.stages[name]
    if not pipeline.plan.store.contains(stage.name, stage.payload):
        raise UserError(
            f"The {name} model of this run is not in the store {pipeline.plan.store.root}: run the job again, which "
            "computes what is missing, or name its store with --store."
        )
    beside = path.with_name(f"{path.name}.json")
    for place in (path, beside):
        refuse_there(place)
    model = pipeline.model(name).cpu()
    card = card_of(pipeline, name, result, blind=blind)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = name_beside(path)
    try:
        FORMATS[path.suffix.removeprefix(".")](model, card, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    beside.write_text(card.text() + "\n")
    logging.getLogger(__name__).debug("exported %s", path)
    return path


def check_pictures(image_shape: tuple[int, int, int]) -> None:
    """Raises UserError for what no reader of images takes, such as the rows of a table."""
    channels, height, width = image_shape
    if channels not in (1, 3):
        raise UserError(
            f"--images writes grey and colour pictures, and this run's are {channels}x{height}x{width}, as the rows of "
            "a table are: no audit reads them. Leave --images out; the model itself is written."
        )


def refuse_there(path: Path) -> None:
    """Raises UserError where something lies at `path`: nothing is written over."""
    if os.path.lexists(path):
        raise UserError(f"{path} is there already: name another folder with --out, or remove it.")


def check_images(pipeline: Pipeline, *, blind: bool) -> None:
    """Raises UserError where a run's attacker has no images to write, or they would say what a blind card does not."""
    check_pictures(pipeline.facts.image_shape)
    if blind and pipeline.plan.auxiliary.classes == WITHOUT:
        raise UserError(
            f"--images with --blind is not possible for this run: its attacker has no images of the forgotten classes "
            f"(auxiliary.classes={WITHOUT}), so the file would say which these are. Leave one of the two out."
        )


def export_images(pipeline: Pipeline, path: Path, *, blind: bool = False) -> Path:
    """Write the labelled images that the run's attacker holds as an .npz file of arrays `images` and `labels`.

    Fewer, other and mislabelled ones are written as `auxiliary.*` says.

    Raises:
        UserError: the file is there already, they are no pictures, or they would say what is to stay unsaid (`blind`).
    """
    refuse_there(path)
    check_images(pipeline, blind=blind)
    held = pipeline.held.to("cpu")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = name_beside(path)
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, images=held.images.permute(0, 2, 3, 1).numpy(), labels=held.labels.numpy())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
