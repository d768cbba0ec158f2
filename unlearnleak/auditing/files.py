"""The audit of files: a model, images, the model before; or a table of answers."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from unlearnleak.auditing.audit import audit_foreign
from unlearnleak.auditing.given import check_labels
from unlearnleak.auditing.normalising import Normalisation, normalisation
from unlearnleak.auditing.settings import Settings
from unlearnleak.auditing.shown import AuditResult
from unlearnleak.auditing.table import audit_answers
from unlearnleak.data import LabeledImages
from unlearnleak.data.content import digest_of_folder
from unlearnleak.errors import UserError
from unlearnleak.foreign.answers import open_answers
from unlearnleak.foreign.card import card_in
from unlearnleak.foreign.images import ForeignImages, open_images
from unlearnleak.foreign.kind import WEIGHTS, Kind, kind_of
from unlearnleak.foreign.model import ForeignModel, check_model, open_model

CARD = "the file's card"
ANSWERS = (Kind.ANSWERS_NPZ, Kind.ANSWERS_CSV)
UNSAFE = re.compile(r"[^\w.-]+")
LONGEST = 60
Shape = tuple[int, int, int]


class Files(NamedTuple):
    """What is read. `model` is the architecture of files that hold weights alone, `arguments` what it is built with."""

    path: str
    images: str | None = None
    original: str | None = None
    model: str | None = None
    arguments: Mapping[str, object] = {}

    def digests(self) -> dict[str, str]:
        """SHA-256 of each, by what it was given as.

        Raises:
            UserError: one cannot be read.
        """
        named = {"model": self.path, "images": self.images, "original": self.original}
        if self.model and ".py:" in self.model:
            named["code"] = self.model.rpartition(":")[0]
        return {what: digest_of(Path(place).expanduser()) for what, place in named.items() if place}


def digest_of(path: Path) -> str:
    """Of a file; of a folder, of the names and digests of all files in it, whatever their order."""
    try:
        return digest_of_folder(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error


def asked_digest(files: Files, settings: Mapping[str, Any]) -> str:
    """SHA-256 of what is asked: the same files and settings give the same, whatever the device."""
    said: list[Any] = [sorted(files.digests().items()), files.model, sorted(map(str, files.arguments.items()))]
    said += sorted((name, str(value)) for name, value in settings.items() if name != "device")
    return hashlib.sha256(repr(said).encode("utf-8", "surrogateescape")).hexdigest()


def default_folder(files: Files, asked: str) -> Path:
    """Where an audit is kept unless another place is named: what asks the same has the same place."""
    name = UNSAFE.sub("_", Path(files.path).stem)[:LONGEST] or "audit"
    return Path("outputs") / "audits" / f"{name}-{asked[:8]}"


def audit_files(
    files: Files,
    *,
    num_classes: int | None = None,
    shape: Shape | None = None,
    head: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    **settings: Any,
) -> AuditResult:
    """The audit of what the files hold.

    Args:
        files: the model, the images, the model before.
        num_classes, shape, head, mean, std: as `audit` has them.
        settings: as `Settings` has them.

    Raises:
        UserError: a file is not what it should be, or they do not fit each other; in one sentence.
    """
    told = Settings(**settings, digests=files.digests())
    if kind_of(files.path) in ANSWERS:
        return answers(files, told)
    card = card_in(Path(files.path).expanduser())
    check_model(files.path, files.model or (card.model if card else None))
    if card is not None:
        shape, num_classes = shape or card.image_shape, num_classes or card.num_classes
        if kind_of(files.path) in WEIGHTS and files.model in (None, card.model):
            files, head = files._replace(model=card.model), head or card.head
    found = opened_images(files.images, num_classes, shape)
    image_shape = found.images.image_shape if found else shape
    if image_shape is None:
        raise UserError(
            "Without --images it must be said what the model takes: --shape C,H,W, such as --shape 3,32,32."
        )
    data = found.images if found else None
    how = normalisation(data, mean, std, image_shape)
    if card is not None and mean is None and card.image_shape[0] == image_shape[0]:
        how = Normalisation(card.mean, card.std, CARD)
    target = opened_model(files, files.path, how, image_shape, num_classes, head)
    before = files.original and opened_model(files, files.original, how, image_shape, num_classes, head)
    if found:
        data, told = fitting_data(found, target.classifier.num_classes, told)
    called = (Path(files.path).name, Path(files.original or "").name)
    return audit_foreign(target, data, before or None, how=how, names=called, settings=told)


def fitting_data(found: ForeignImages, num_classes: int, settings: Settings) -> tuple[LabeledImages, Settings]:
    """The images as ones of the model's classes; what their file calls these, and notes on it."""
    check_labels(found.images.labels, num_classes)
    names = found.class_names if found.class_names and len(found.class_names) == num_classes else None
    notes = tuple(f"{note[:1].upper()}{note[1:]}." for note in found.notes)
    data = LabeledImages(found.images.images, found.images.labels, num_classes)
    return data, replace(settings, class_names=names, notes=notes)


def answers(files: Files, settings: Settings) -> AuditResult:
    """The audit of a table of answers, beside which nothing else can be used."""
    given = {"--images": files.images, "--original": files.original, "--model": files.model}
    if wrong := [name for name, value in given.items() if value]:
        raise UserError(f"{files.path} is a table of answers, which needs no {' and no '.join(wrong)}: leave it out.")
    return audit_answers(open_answers(files.path), name=Path(files.path).name, settings=settings)


def opened_images(path: str | None, num_classes: int | None, shape: Shape | None) -> ForeignImages | None:
    """The labelled images; None where there are none."""
    return None if path is None else open_images(path, num_classes=num_classes, shape=shape)


def opened_model(
    files: Files, path: str, how: Normalisation, shape: Shape, num_classes: int | None, head: str | None
) -> ForeignModel:
    """One of the models; `--model` is of those that are weights alone."""
    brings_its_own = path == files.original and kind_of(path) not in WEIGHTS
    return open_model(
        path,
        image_shape=shape,
        mean=how.mean,
        std=how.std,
        num_classes=num_classes,
        model=None if brings_its_own else files.model,
        model_args=files.arguments,
        head=head,
    )
