"""A model's card: what a file of a model says of itself, so that whoever opens it need not be told.

In a safetensors file it lies in the header's metadata, in a .pt2 file among its extra files, both as JSON under NAME.
"""

import json
import zipfile
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from unlearnleak.foreign.kind import Kind, kind_of
from unlearnleak.foreign.reading import asked

NAME = "unlearnleak.json"
"""Under which a card lies in a file."""
LARGEST = 2**20
"""Bytes of a card that is read; one has about a thousand."""
Side = Annotated[int, Field(ge=1, le=2**16)]


class Card(BaseModel):
    """What is needed to use a model, and under `about` what is to be known of it.

    model: the architecture's word, as `open_model` takes it.
    mean, std: what images in [0, 1] are normalised by, per channel.
    image_shape: (C, H, W); num_classes: K.
    head: the layer that is the head; None where that is to be found.
    about: how it was made, its seeds, accuracies, versions.
    """

    model_config = ConfigDict(extra="ignore")
    model: str
    num_classes: Annotated[int, Field(ge=2, le=2**20)]
    image_shape: tuple[Side, Side, Side]
    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]
    head: str | None = None
    about: dict[str, Any] = {}

    def text(self) -> str:
        """As it lies in a file."""
        return json.dumps(self.model_dump(), indent=2, sort_keys=True)


def parsed(text: str | bytes) -> Card | None:
    """The card that a text holds; None where it holds none."""
    if len(text) > LARGEST:
        return None
    try:
        return Card.model_validate_json(text)
    except (ValidationError, RecursionError):
        return None


def card_in(path: Path) -> Card | None:
    """The card that a file of a model carries; None where it carries none.

    Raises:
        UserError: the file cannot be read, or is none that `kind_of` knows.
    """
    kind = kind_of(path)
    if kind is Kind.SAFETENSORS:
        return asked(path, lambda: in_weights(path))
    return asked(path, lambda: in_archive(path)) if kind is Kind.EXPORTED else None


def in_weights(path: Path) -> Card | None:
    """The card in the header of a safetensors file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(NAME)
    except SafetensorError:
        return None
    return parsed(text) if isinstance(text, str) else None


def in_archive(path: Path) -> Card | None:
    """The card among the extra files of a .pt2 file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(f"/extra/{NAME}") and member.file_size <= LARGEST:
                    return parsed(archive.read(member))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError):
        return None
    return None
