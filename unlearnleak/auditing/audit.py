"""The audit from its beginning to its end: the door for Python, notebooks and the command.

result = unlearnleak.audit(model, images, labels, original=before)
result.save("outputs/audits/mine")
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unlearnleak.auditing import running
from unlearnleak.auditing.answer import result_of
from unlearnleak.auditing.case import case_of
from unlearnleak.auditing.given import check_fit, check_labels, labeled
from unlearnleak.auditing.normalising import Normalisation, Numbers, normalisation, settled
from unlearnleak.auditing.paced import Paced
from unlearnleak.auditing.settings import Settings
from unlearnleak.auditing.shown import AuditResult
from unlearnleak.auditing.subject import Subject, subject_of
from unlearnleak.auditing.understanding import understand
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError, require
from unlearnleak.foreign.model import ForeignModel, check_same_architecture, wrap_model
from unlearnleak.machine.device import resolve_device
from unlearnleak.model.base import Classifier


def audit(
    model: nn.Module | Callable[[Tensor], Any],
    images: Any = None,
    labels: Any = None,
    original: nn.Module | Callable[[Tensor], Any] | None = None,
    *,
    num_classes: int | None = None,
    shape: tuple[int, int, int] | None = None,
    head: str | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    truth: int | Sequence[int] | None = None,
    class_names: Sequence[str] | None = None,
    quick: bool = False,
    effort: float = 1.0,
    seed: int = 0,
    device: str = "auto",
) -> AuditResult:
    """What an unlearned model leaks, to anybody who holds it, or may ask it.

    Args:
        model: the unlearned model: a module, or a function of normalised images [N, C, H, W] that gives logits or
            probabilities [N, K].
        images: labelled images that no model was trained on, if there are any: uint8, or floats in [0, 1], before any
            normalisation, [N, C, H, W], [N, H, W, C] or [N, H, W]; a tensor or an array.
        labels: their classes [N], from 0 to K - 1.
        original: the model before it forgot, of the same architecture, where an attacker may have it too.
        num_classes, shape: K, and (C, H, W) of an image; the latter is needed where there are no images.
        head: the name of the last linear layer, where it cannot be found.
        mean, std: what the model's images are normalised with, per channel or one number for all; by default those that
            the model keeps, or else the images' own.
        truth: the classes that were forgotten, () for none: makes an evaluation of the audit.
        class_names: what the classes are called.
        quick: leave out slow attacks.
        effort: how many times as much work an attack may take as usual.
        seed: of all that is drawn; the same seed gives the same answer.
        device: as `runtime.device`: auto, cpu, cuda or cuda:1.

    Raises:
        UserError: something given cannot be, in one sentence.
    """
    settings = Settings(
        truth=truth, class_names=class_names, quick=quick, effort=effort, seed=seed, device=device
    )  # fmt: skip
    together = "images and labels are given together, or neither"
    require((images is None) == (labels is None), "images without labels, or labels without images", "", together)
    data = None if images is None else labeled(images, labels, num_classes)
    image_shape = data.image_shape if data else shape or getattr(model, "image_shape", None)
    if image_shape is None:
        raise UserError("Without images it must be said what the model takes: shape=(C, H, W).")
    if data is not None and isinstance(model, Classifier):
        check_fit(data, model.image_shape)
    how = normalisation(data, mean, std, image_shape)
    known: dict[str, Any] = {"image_shape": image_shape, "mean": how.mean, "std": how.std}
    known |= {"num_classes": num_classes, "head": head}
    target = wrap_model(model, **known)
    before = None if original is None else wrap_model(original, **known)
    names = (type(model).__name__, type(original).__name__)
    return audit_foreign(target, data, before, how=how, names=names, settings=settings)


def audit_foreign(
    target: ForeignModel,
    data: LabeledImages | None,
    original: ForeignModel | None,
    *,
    how: Normalisation,
    names: tuple[str, str],
    settings: Settings,
) -> AuditResult:
    """The audit of a model that was read or wrapped; `names` are what it and the model before are called."""
    if original is not None:
        check_same_architecture(target, original)
        settled(original, how)
    how = settled(target, how)
    before = None if original is None else subject_of(original, names[1])
    return audit_subject(subject_of(target, names[0]), data, before, how=how, settings=settings)


def audit_subject(
    subject: Subject, data: LabeledImages | None, original: Subject | None, *, how: Normalisation, settings: Settings
) -> AuditResult:
    """The audit of a model that is understood already."""
    K = subject.model.num_classes
    truth, names = settings.truth_of(K), settings.names(K)
    if data is not None:
        check_fit(data, subject.model.image_shape)
        check_labels(data.labels, K)
        if not len(data):
            data = None
    where = resolve_device(settings.device)
    subject, original = placed(subject, where), None if original is None else placed(original, where)
    data = None if data is None else LabeledImages(data.images, data.labels, K).to(where)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        case = case_of(subject, original, data, settings)
        understood = understand(case, how, names, settings.notes)
        outcomes = running.run(case)
    return result_of(case, understood, outcomes, truth, settings)


def placed(subject: Subject, device: torch.device) -> Subject:
    """The model on the device, in evaluation mode, asked in the way that costs least."""
    return subject._replace(model=Paced(subject.model.to(device).eval()).eval())
