"""The audit from its beginning to its end: the door for Python, notebooks and the command.

result = unlearnleak.audit(model, images, labels, original=before)
result.save("outputs/audits/mine")
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import unlearnleak
from unlearnleak.auditing import answer, fitting, running, understanding
from unlearnleak.auditing.case import Case
from unlearnleak.auditing.fitting import Situation
from unlearnleak.auditing.given import check_fit, check_labels, check_truth, labeled
from unlearnleak.auditing.result import Attacked, Normalised, Understood
from unlearnleak.auditing.running import Outcome
from unlearnleak.auditing.shown import AuditResult
from unlearnleak.auditing.subject import Subject, logits_of, work_of
from unlearnleak.config.schema import SEED_LIMIT
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError, require
from unlearnleak.foreign.model import ForeignModel, check_same_architecture, wrap_model
from unlearnleak.foreign.ready import per_channel
from unlearnleak.machine.device import resolve_device
from unlearnleak.model.base import Classifier

Numbers = Sequence[float] | float
TOLD, OWN = "as told", "the images' own, as none was told"
SAME = 1e-6
"""Normalisations that differ by less are the same, kept in float32."""


class Normalisation(NamedTuple):
    """How images are normalised, and who says so."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str


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
    together = "images and labels are given together, or neither"
    require((images is None) == (labels is None), "images without labels, or labels without images", "", together)
    data = None if images is None else labeled(images, labels, num_classes)
    image_shape = data.image_shape if data else shape or getattr(model, "image_shape", None)
    if image_shape is None:
        raise UserError("Without images it must be said what the model takes: shape=(C, H, W).")
    if data is not None and isinstance(model, Classifier):
        check_fit(data, model.image_shape)
    how = normalisation(data, mean, std, image_shape)
    settings: dict[str, Any] = {
        "image_shape": image_shape,
        "mean": how.mean,
        "std": how.std,
        "num_classes": num_classes,
        "head": head,
    }
    target = wrap_model(model, **settings)
    before = None if original is None else wrap_model(original, **settings)
    return audit_foreign(
        target, data, before, how=how, truth=truth, class_names=class_names, quick=quick, effort=effort, seed=seed,
        device=device, name=type(model).__name__, original_name=type(original).__name__,
    )  # fmt: skip


def normalisation(
    data: LabeledImages | None, mean: Numbers | None, std: Numbers | None, shape: tuple[int, int, int]
) -> Normalisation:
    """The normalisation that was told, else that of the images; what a model keeps itself comes before the latter."""
    require((mean is None) == (std is None), "mean", mean, f"mean and std are given together, and std is {std}")
    if mean is not None and std is not None:
        return Normalisation(per_channel("mean", mean, shape), per_channel("std", std, shape), TOLD)
    if data is None or not len(data):
        return Normalisation((0.0,) * shape[0], (1.0,) * shape[0], "none, as none was told")
    return Normalisation(*understanding.own_normalisation(data), OWN)


def audit_foreign(
    target: ForeignModel,
    data: LabeledImages | None,
    original: ForeignModel | None = None,
    *,
    how: Normalisation,
    name: str,
    original_name: str = "",
    notes: tuple[str, ...] = (),
    **settings: Any,
) -> AuditResult:
    """The audit of a model that was read or wrapped; settings as `audit_subject` has them."""
    if original is not None:
        check_same_architecture(target, original)
    told = []
    for each in [target] if original is None else [target, original]:
        mean, std = (tuple(part.flatten().tolist()) for part in (each.classifier.mean, each.classifier.std))
        kept = Normalisation(mean, std, "the model's own")
        same = all(
            abs(a - b) < SAME
            for one, other in zip(kept[:2], how[:2], strict=True)
            for a, b in zip(one, other, strict=True)
        )
        if how.source == TOLD and not same:
            each.classifier.mean.copy_(torch.tensor(how.mean)[:, None, None])
            each.classifier.std.copy_(torch.tensor(how.std)[:, None, None])
        told.append(how if same or how.source == TOLD else kept)
    subject = subject_of(target, name)
    subject = subject._replace(notes=(*subject.notes, *notes))
    before = None if original is None else subject_of(original, original_name)
    return audit_subject(subject, data, before, how=told[0], **settings)


def subject_of(model: ForeignModel, name: str) -> Subject:
    """A model of somebody else's as what is audited."""
    return Subject(
        model=model.classifier,
        name=name,
        kind=model.kind,
        head=model.head,
        white_box=model.white_box,
        gradients=model.gradients,
        limits=tuple(f"Not possible: {limit.what}: {limit.why}." for limit in model.limits),
        notes=tuple(f"{note[:1].upper()}{note[1:]}." for note in model.notes),
    )


def audit_subject(
    subject: Subject,
    data: LabeledImages | None,
    original: Subject | None = None,
    *,
    how: Normalisation,
    truth: int | Sequence[int] | None = None,
    class_names: Sequence[str] | None = None,
    quick: bool = False,
    effort: float = 1.0,
    seed: int = 0,
    device: str = "auto",
    digests: Mapping[str, str] = {},
) -> AuditResult:
    """The audit of a model that is understood already; arguments as `audit` has them."""
    require(0 <= seed < SEED_LIMIT, "seed", seed, f"a whole number from 0 to {SEED_LIMIT - 1}")
    require(effort > 0, "effort", effort, "above 0")
    K = subject.model.num_classes
    known_truth = check_truth(truth, K)
    require(
        class_names is None or len(class_names) == K,
        "class_names",
        len(class_names or ()),
        f"one name for each of {K} classes",
    )
    if data is not None:
        check_fit(data, subject.model.image_shape)
        check_labels(data.labels, K)
        if not len(data):
            data = None
    where = resolve_device(device)
    subject = placed(subject, where)
    original = None if original is None else placed(original, where)
    data = None if data is None else LabeledImages(data.images, data.labels, K).to(where)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        case = case_of(subject, original, data, seed=seed, quick=quick, effort=effort)
        understood = understand(case, how, tuple(class_names) if class_names else None)
        outcomes = running.run(case)
    return replace(result_of(case, understood, outcomes, known_truth), effort=effort, digests=dict(digests))


def placed(subject: Subject, device: torch.device) -> Subject:
    """The model on the device, in evaluation mode."""
    return subject._replace(model=subject.model.to(device).eval())


def case_of(
    subject: Subject, original: Subject | None, data: LabeledImages | None, *, seed: int, quick: bool, effort: float
) -> Case:
    """All that attacks are run on."""
    model = subject.model
    counts = data.class_counts().tolist() if data is not None else []
    judged = tuple(c for c, count in enumerate(counts) if count)
    head = model.head if subject.white_box else None
    return Case(
        subject=subject,
        original=original,
        images=data,
        judged=judged,
        seed=seed,
        quick=quick,
        there=Situation(
            least=min((counts[c] for c in judged), default=0),
            classes=len(judged) or model.num_classes,
            width=0 if head is None else head.in_features,
            work=work_of(model),
            limit=effort * fitting.LIMIT * (fitting.ON_GPU if model.mean.device.type == "cuda" else 1),
        ),
    )


def understand(case: Case, how: Normalisation, class_names: tuple[str, ...] | None) -> Understood:
    """What the model and the images are taken for."""
    subject, data, model = case.subject, case.images, case.subject.model
    notes = [*subject.limits, *subject.notes]
    accuracy = original_accuracy = None
    others: tuple[Normalised, ...] = ()
    plausible: bool | None = None
    if data is not None:
        accuracy = understanding.accuracy_of(logits_of(model, data.images), data.labels.cpu())
        if case.original:
            found = logits_of(case.original.model, data.images)
            original_accuracy = understanding.accuracy_of(found, data.labels.cpu()).overall
        most = min(understanding.TRIED, max(20, int(case.there.limit / (20 * max(1.0, case.there.work)))))
        others = understanding.tried(model, data, case.seed, most)
        blind = understanding.near_chance(accuracy.overall, len(data), model.num_classes)
        better = others[0].accuracy > accuracy.overall + understanding.BETTER
        plausible = not blind and not (better and how.source == OWN)
        if blind:
            notes.append(f"The accuracy is that of guessing, {100 / model.num_classes:.3g} %.")
        if better:
            best = others[0]
            notes.append(
                f"{best.name} normalisation would fit better: {100 * best.accuracy:.1f} % "
                f"(--mean {','.join(map(str, best.mean))} --std {','.join(map(str, best.std))})."
            )
    without = case.without if data is not None else ()
    return Understood(
        model=subject.name,
        kind=subject.kind,
        num_classes=model.num_classes,
        class_names=class_names,
        image_shape=model.image_shape,
        head=subject.head,
        mean=how.mean,
        std=how.std,
        normalisation=how.source,
        original=case.original.name if case.original else None,
        images=0 if data is None else len(data),
        images_per_class=None if data is None else tuple(data.class_counts().tolist()),
        accuracy=accuracy.overall if accuracy else None,
        accuracy_per_class=accuracy.per_class if accuracy else None,
        original_accuracy=original_accuracy,
        plausible=plausible,
        normalisations=others,
        not_judged_classes=without,
        notes=tuple(notes),
    )


def result_of(
    case: Case, understood: Understood, outcomes: Sequence[Outcome], truth: tuple[int, ...] | None
) -> AuditResult:
    """The answer."""
    least = case.there.least
    attacks: list[Attacked] = [answer.judged(outcome, understood, least) for outcome in outcomes]
    if truth is not None:
        attacks = [answer.evaluated(one, truth, understood.num_classes) for one in attacks]
    any_alarm, named, status = answer.together(outcomes, attacks), answer.names_of(attacks), answer.status_of(attacks)
    return AuditResult(
        status=status,
        classes=tuple(named),
        named_by=named,
        answer=answer.sentences(status, attacks, understood, named),
        trust=answer.trust(attacks, understood, any_alarm, least if understood.images else None),
        any_false_alarm=any_alarm,
        understood=understood,
        attacks=tuple(attacks),
        truth=truth,
        seed=case.seed,
        quick=case.quick,
        effort=1.0,
        unlearnleak=unlearnleak.__version__,
    )
