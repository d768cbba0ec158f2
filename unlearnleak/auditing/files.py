"""The audit of files: a model, images, the model before; or a table of answers."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from unlearnleak.auditing.audit import Normalisation, audit_foreign, normalisation
from unlearnleak.auditing.given import check_labels
from unlearnleak.auditing.shown import AuditResult
from unlearnleak.auditing.table import audit_answers
from unlearnleak.data import LabeledImages
from unlearnleak.data.content import digest_of_folder
from unlearnleak.errors import UserError
from unlearnleak.foreign.answers import open_answers
from unlearnleak.foreign.card import card_in
from unlearnleak.foreign.images import ForeignImages, open_images
from unlearnleak.foreign.kind import WEIGHTS, Kind, kind_of
from unlearnleak.foreign.model import ForeignModel, open_model

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


def default_folder(files: Files, settings: Mapping[str, Any]) -> Path:
    """Where an audit is kept unless another place is named: the same files and settings give the same place."""
    said: list[Any] = [sorted(files.digests().items()), files.model, sorted(map(str, files.arguments.items()))]
    said += sorted((name, str(value)) for name, value in settings.items() if name != "device")
    short = hashlib.sha256(repr(said).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    name = UNSAFE.sub("_", Path(files.path).stem)[:LONGEST] or "audit"
    return Path("outputs") / "audits" / f"{name}-{short}"


def audit_files(
    files: Files,
    *,
    num_classes: int | None = None,
    shape: Shape | None = None,
    head: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    truth: Sequence[int] | None = None,
    quick: bool = False,
    effort: float = 1.0,
    seed: int = 0,
    device: str = "auto",
) -> AuditResult:
    """The audit of what the files hold; settings as `audit` has them.

    Raises:
        UserError: a file is not what it should be, or they do not fit each other; in one sentence.
    """
    if kind_of(files.path) in ANSWERS:
        return answers(files, truth)
    card = card_in(Path(files.path).expanduser())
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
    K = target.classifier.num_classes
    if data is not None:
        check_labels(data.labels, K)
        data = LabeledImages(data.images, data.labels, K)
    names = found.class_names if found else None
    return audit_foreign(
        target,
        data,
        before or None,
        how=how,
        name=Path(files.path).name,
        original_name=Path(files.original or "").name,
        truth=truth,
        class_names=names if names and len(names) == K else None,
        quick=quick,
        effort=effort,
        seed=seed,
        device=device,
        digests=files.digests(),
        notes=tuple(f"{note[:1].upper()}{note[1:]}." for note in found.notes) if found else (),
    )


def answers(files: Files, truth: Sequence[int] | None) -> AuditResult:
    """The audit of a table of answers, beside which nothing else can be used."""
    given = {"--images": files.images, "--original": files.original, "--model": files.model}
    if wrong := [name for name, value in given.items() if value]:
        raise UserError(f"{files.path} is a table of answers, which needs no {' and no '.join(wrong)}: leave it out.")
    table = open_answers(files.path)
    return audit_answers(table, name=Path(files.path).name, truth=truth, digests=files.digests())


def opened_images(path: str | None, num_classes: int | None, shape: Shape | None) -> ForeignImages | None:
    """The labelled images; None where there are none."""
    return None if path is None else open_images(path, num_classes=num_classes, shape=shape)


def opened_model(
    files: Files, path: str, how: Normalisation, shape: Shape, num_classes: int | None, head: str | None
) -> ForeignModel:
    """One of the models."""
    return open_model(
        path,
        image_shape=shape,
        mean=how.mean,
        std=how.std,
        num_classes=num_classes,
        model=files.model,
        model_args=files.arguments,
        head=head,
    )
