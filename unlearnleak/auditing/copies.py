"""Copies of the audited model whose truth is known: how often an attack is wrong on this very model.

The copies have the model's own features, and heads that the auditor trained on half of the images: some on all classes,
which forgot nothing, and as many without one drawn class. Attacks are given the other half. K classes, C copies, N
images of the half.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Calibrated, LabeledFeatures
from unlearnleak.adversary.heads import Heads
from unlearnleak.adversary.shadow import shadow_heads
from unlearnleak.adversary.standard import Standard, features_of
from unlearnleak.adversary.view import view_of
from unlearnleak.auditing.asked import BY_ANSWERS
from unlearnleak.auditing.comparing import blind
from unlearnleak.auditing.subject import logits_of, read_head, reheaded
from unlearnleak.data import LabeledImages
from unlearnleak.machine.progress import progress
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base import Classifier
from unlearnleak.screening.base import Screening

EACH = 20
"""So many copies that forgot nothing, and so many that never saw one class."""
FEW = 5
"""So many of each where an attack has to ask every copy anew."""
LR, MOMENTUM = 0.5, 0.9
"""As shadow targets are trained (conf/attack/param_dot.yaml)."""
HEADS = 50
"""Auxiliary heads of a class that copies are compared with: a quarter of the attack's own."""
READ_BYTES = 500e6
"""As large may the heads be that are read at once, one for each class of every target."""
SAME = 1e-3


class Told(NamedTuple):
    """What an attack said of the copies: each copy's verdict [C, K], and which class each never saw, -1 for none."""

    verdict_CK: Tensor
    missing_C: Tensor

    @property
    def alarms(self) -> Tensor:
        """Of each copy that forgot nothing, whether something was named."""
        return self.verdict_CK[self.missing_C < 0].any(1)

    @property
    def found(self) -> Tensor:
        """Of each copy that never saw a class, whether that class was named, and no other."""
        gone_C = self.missing_C[self.missing_C >= 0]
        wanted_CK = torch.nn.functional.one_hot(gone_C, self.verdict_CK.shape[1]).bool()
        return (self.verdict_CK[self.missing_C >= 0] == wanted_CK).all(1)


class Copies:
    """The copies, and how attacks are asked about them. `probe` holds the images that these are given."""

    def __init__(self, model: Classifier, images: LabeledImages, seed: int, *, steps: int, each: int = EACH) -> None:
        self.model, self.seed = model, seed
        learnt, self.probe = halves(images, generator(seed, "audit", "halves"))
        draw = generator(seed, "audit", "copies")
        K = model.num_classes
        turns = torch.cat([torch.randperm(K, generator=draw) for _ in range(-(-each // K))])[:each]
        self.missing_C = torch.cat([torch.full((each,), -1), turns])
        forgotten_CK = torch.nn.functional.one_hot(self.missing_C + 1, K + 1).bool()[:, 1:]
        box = WhiteBox(model)
        raw_ND = features_of(box, learnt)
        standard = Standard.of(raw_ND)
        trained = shadow_heads(
            standard.features(raw_ND),
            learnt.labels,
            forgotten_CK.to(raw_ND.device),
            generator=draw,
            steps=steps,
            lr=LR,
            momentum=MOMENTUM,
        )
        weight_CKD = trained.weight_MKD * standard.inverse_D
        self.heads = Heads(weight_CKD, trained.bias_MK - weight_CKD @ standard.mean_D)
        self.phi_ND = features_of(box, self.probe)
        weight_KD, bias_K = read_head(model)
        own_NK = torch.log_softmax(self.phi_ND @ weight_KD.T + bias_K, 1).cpu()
        asked_NK = torch.log_softmax(logits_of(model, self.probe.images), 1)
        self.ends_in_head = bool((own_NK - asked_NK).abs().max() <= SAME * (1 + asked_NK.abs().max()))

    def some(self, each: int) -> tuple[Tensor, Tensor]:
        """The numbers of so many copies that forgot nothing, and of so many that never saw a class."""
        return (self.missing_C < 0).nonzero()[:each, 0], (self.missing_C >= 0).nonzero()[:each, 0]

    def copy(self, number: int) -> Classifier:
        """One copy as a model."""
        return reheaded(self.model, self.heads, number)

    def answers(self, number: int) -> Tensor:
        """What a copy answers to the images, [N, K]."""
        if not self.ends_in_head:
            return logits_of(self.copy(number), self.probe.images).softmax(1)
        logits_NK = self.phi_ND @ self.heads.weight_MKD[number].T + self.heads.bias_MK[number]
        return logits_NK.softmax(1).cpu()

    def by_answers(self, attack: str, screening: Screening) -> Told:
        """An attack that asks about the images alone, on every copy."""
        labels_N, collect = self.probe.labels.cpu(), BY_ANSWERS[attack]
        evidence = [collect(self.answers(number), labels_N) for number in range(len(self.missing_C))]
        return Told(torch.stack([screening(one).forgotten_K for one in evidence]), self.missing_C)

    def by_heads(self, attack: Any, readers: dict[str, tuple[Any, Screening]]) -> dict[str, Told]:
        """Attacks that compare heads: one comparison serves all copies and all `readers`, by their names.

        The copies stand behind the shadow targets, and are read with them. They are counted as having forgotten every
        class, so that no unit is taken from them; units come from the shadow targets alone, the same for all copies.
        """
        view = view_of(attack.threat, target=self.model, auxiliary=self.probe)
        compared = blind(attack, view, generator(self.seed, "audit", "copies' evidence"))
        if hasattr(compared, "heads"):
            compared = compared._replace(heads=list(compared.heads))
        read: dict[str, list[Calibrated]] = {name: [] for name in readers}
        parts = torch.arange(len(self.missing_C)).split(self._at_once(compared))
        for some_C in progress(parts, label="copies of the model", unit="part"):
            both = self._behind(compared, some_C)
            for name, (reader, _) in readers.items():
                read[name].append(of_copies(reader.read(both, self.probe.labels), len(some_C)))
        told = {}
        for name, (_, screening) in readers.items():
            verdict = screening(beside(read[name])).forgotten_K.cpu()
            told[name] = Told(verdict.view(len(self.missing_C), -1), self.missing_C)
        return told

    def _at_once(self, compared: Any) -> int:
        """How many copies are read at once beside the targets: what trains heads anew holds K of each of them."""
        count, classes, dim = self.heads.weight_MKD.shape
        if hasattr(compared, "heads"):
            return count
        return max(1, int(READ_BYTES / (4 * classes**2 * dim)) - len(compared.targets.weight_MKD))

    def _behind(self, compared: Any, some_C: Tensor) -> Any:
        """The comparison with some copies as further shadow targets."""
        standard, targets, forgotten_SK = Standard.of(self.phi_ND), compared.targets, compared.forgotten_SK
        standardised = [standard.head(self.heads.weight_MKD[c], self.heads.bias_MK[c]) for c in some_C]
        weight_CKD, bias_CK = (torch.stack(parts) for parts in zip(*standardised, strict=True))
        all_forgotten_CK = torch.ones(len(some_C), forgotten_SK.shape[1], dtype=torch.bool, device=forgotten_SK.device)
        return compared._replace(
            targets=Heads(torch.cat([targets.weight_MKD, weight_CKD]), torch.cat([targets.bias_MK, bias_CK])),
            forgotten_SK=torch.cat([forgotten_SK, all_forgotten_CK]),
        )

    def one_by_one(self, ask: Callable[[Classifier, int], Tensor], each: int, *, thrifty: bool = False) -> Told:
        """Any attack on so many copies of each kind; `ask` gives its verdict [K] on a model.

        `thrifty`: those that never saw a class are not asked where one that forgot nothing raised an alarm.
        """
        silent_N, missing_N = self.some(each)
        told = self._asked(ask, silent_N)
        if thrifty and bool(told.alarms.any()):
            return told
        return Told(*(torch.cat(parts) for parts in zip(told, self._asked(ask, missing_N), strict=True)))

    def _asked(self, ask: Callable[[Classifier, int], Tensor], numbers: Tensor) -> Told:
        each = progress(numbers.tolist(), label="copies of the model", unit="copy")
        return Told(torch.stack([ask(self.copy(number), number) for number in each]), self.missing_C[numbers])


def of_copies(evidence: Calibrated, copies: int) -> Calibrated:
    """The evidence on copies that stood behind the shadow targets, as one target of many classes.

    Screenings that are calibrated judge each class alone, and only what they read is kept.
    """
    features_SKMF, forgotten_SK = evidence.calibration
    aligned_XMF = features_SKMF[-copies:].flatten(0, 1)
    calibration = LabeledFeatures(features_SKMF[:-copies], forgotten_SK[:-copies])
    return type(evidence)(samples_KMF=aligned_XMF, aligned_KMF=aligned_XMF, calibration=calibration)


def beside(evidence: list[Calibrated]) -> Calibrated:
    """Several pieces of such evidence as one, with the calibration that they share."""
    first, aligned_XMF = evidence[0], torch.cat([one.aligned_KMF for one in evidence])
    return type(first)(samples_KMF=aligned_XMF, aligned_KMF=aligned_XMF, calibration=first.calibration)


def halves(images: LabeledImages, draw: torch.Generator) -> tuple[LabeledImages, LabeledImages]:
    """Every class's images divided in two at random, the second half being the larger by one where it is odd."""
    labels_N = images.labels.cpu()
    first = torch.zeros(len(labels_N), dtype=torch.bool)
    for c in range(images.num_classes):
        of_class = (labels_N == c).nonzero()[:, 0]
        first[of_class[torch.randperm(len(of_class), generator=draw)[: len(of_class) // 2]]] = True
    return images.select(first.to(images.labels.device)), images.select(~first.to(images.labels.device))
