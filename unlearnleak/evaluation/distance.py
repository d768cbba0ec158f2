"""distance: how far the model is from retraining, beyond accuracy, beside how far two retrained models are apart."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped, unused-ignore]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped, unused-ignore]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.data import LabeledImages
from unlearnleak.data.split import rank_in_class
from unlearnleak.errors import require
from unlearnleak.evaluation.base import Evaluation, Found
from unlearnleak.evaluation.base.relearning import accuracy, relearn_steps
from unlearnleak.evaluation.base.subject import Seen, Subject
from unlearnleak.metric.divergence import jensen_shannon, linear_cka, shares, total_variation

Array = np.ndarray
PROBE_ITERATIONS = 1000


class Looked(NamedTuple):
    """What one model answers (probabilities) and holds (features) on each part of the images."""

    answers: dict[str, Array]
    features: dict[str, Array]


class Distance(Evaluation):
    """Distances to models that were retrained without the forget set, each beside that of two retrained models.

    The models are retrained as the original was trained, with seeds of their own, which all unlearners of one original
    share. A distance of the target is the mean over them; with `retrained_` before its name it is the mean over their
    pairs, with `original_` that of the model before unlearning. Measured on three parts of the images: `forget_test`,
    the test images of the forgotten classes, `forget_train`, the forget set itself, and `retain_test`, all other test
    images.

    `js_PART`: Jensen-Shannon divergence of the answers, the mean over the images, in nats. `tv_PART`: total variation
    distance of the shares that each class has among the predictions; `shares_forget_test` are these shares. `cka_PART`:
    linear CKA of the features; 1 is alike. `probe_forget`, `probe_retain`: test accuracy on forgotten and retained
    classes of a linear probe that is trained on frozen features of all classes (Alain and Bengio 2016,
    https://arxiv.org/abs/1610.01644). `relearn_steps`: steps of SGD on samples of the forget set until the model is as
    right there as the original was, but for a margin (Golatkar et al. 2020, https://arxiv.org/abs/1911.04933; Chundawat
    et al. 2023, https://arxiv.org/abs/2201.05629); None where that took too many.

    Args:
        references: how many models are retrained, at least 2: two of them are the yardstick.
        probe_per_class: at most so many training images of each class train the probe.
        relearn_samples: at most so many samples of the forget set are relearned.
        relearn_batch, relearn_lr: samples a step, and the rate.
        relearn_most: steps after which relearning is given up.
        relearn_level: which part of the original's accuracy on these samples is to be reached.

    Raises `UserError` for settings that cannot be.
    """

    version = 1
    sees_before = True

    def __init__(
        self,
        *,
        references: int,
        probe_per_class: int,
        relearn_samples: int,
        relearn_batch: int,
        relearn_lr: float,
        relearn_most: int,
        relearn_level: float,
    ) -> None:
        require(references >= 2, "evaluation.references", references, "at least 2, of which two are the yardstick")
        require(probe_per_class >= 1, "evaluation.probe_per_class", probe_per_class, "at least 1")
        require(relearn_samples >= 1, "evaluation.relearn_samples", relearn_samples, "at least 1")
        require(relearn_batch >= 1, "evaluation.relearn_batch", relearn_batch, "at least 1")
        require(relearn_lr > 0, "evaluation.relearn_lr", relearn_lr, "above 0")
        require(relearn_most >= 1, "evaluation.relearn_most", relearn_most, "at least 1")
        require(0 < relearn_level <= 1, "evaluation.relearn_level", relearn_level, "above 0 and at most 1")
        self.references, self.probe_per_class, self.relearn_samples = references, probe_per_class, relearn_samples
        self.relearn_level = relearn_level
        self.relearn = partial(relearn_steps, lr=relearn_lr, batch_size=relearn_batch, most=relearn_most)

    def __call__(self, subject: Subject) -> Found:
        """All numbers; the shares are lists of K."""
        return Found(self.distances(subject) | self.probes(subject) | self.relearned(subject))

    def distances(self, subject: Subject) -> dict[str, Any]:
        """Between answers and between features."""
        parts = parts_of(subject)
        target, original = looked(subject.target, parts), looked(subject.before(), parts)
        retrained = [looked(each, parts) for each in subject.references]
        found: dict[str, Any] = {}
        for part in parts:
            for name, measure in MEASURES.items():
                key = f"{name}_{part}"
                found[key] = averaged([measure(target, each, part) for each in retrained])
                found[f"retrained_{key}"] = averaged([measure(*pair, part) for pair in combinations(retrained, 2)])
                found[f"original_{key}"] = averaged([measure(original, each, part) for each in retrained])
        named = {"": [target], "retrained_": retrained, "original_": [original]}
        for prefix, models in named.items():
            each_RK = [shares(model.answers["forget_test"]) for model in models]
            found[f"{prefix}shares_forget_test"] = np.mean(each_RK, axis=0).tolist()
        return found

    def probes(self, subject: Subject) -> dict[str, Any]:
        """Accuracy of linear probes on each model's features."""
        train = probed_images(subject, self.probe_per_class)
        test = {"forget": subject.test.of(subject.split.classes), "retain": subject.test.without(subject.split.classes)}

        def of(seen: Seen) -> dict[str, float]:
            probe = linear_probe(seen.features(train.images).numpy(), train.labels.cpu().numpy())
            return {
                part: float(probe.score(seen.features(data.images).numpy(), data.labels.cpu().numpy()))
                for part, data in test.items()
            }

        each = {"": [of(subject.target)], "original_": [of(subject.before())]}
        each["retrained_"] = [of(seen) for seen in subject.references]
        return {
            f"{prefix}probe_{part}": averaged([found[part] for found in each[prefix]])
            for part in test
            for prefix in ("", "retrained_", "original_")
        }

    def relearned(self, subject: Subject) -> dict[str, Any]:
        """Steps until the forgotten samples are known again; the original would need none."""
        forget = subject.split.forget
        chosen_n = torch.randperm(len(forget), generator=subject.generator("relearned"))[: self.relearn_samples]
        data = forget.select(chosen_n.to(forget.labels.device))
        level = self.relearn_level * accuracy(subject.before().model, data)

        def steps(seen: Seen) -> float | None:
            generator = subject.generator("relearning")
            return self.relearn(seen.model, data, level, generator=generator)

        return {
            "relearn_steps": steps(subject.target),
            "retrained_relearn_steps": averaged([steps(seen) for seen in subject.references]),
            "relearn_level": level,
        }


def parts_of(subject: Subject) -> dict[str, LabeledImages]:
    """The images that are looked at."""
    classes = subject.split.classes
    return {
        "forget_test": subject.test.of(classes),
        "forget_train": subject.split.forget,
        "retain_test": subject.test.without(classes),
    }


def looked(seen: Seen, parts: dict[str, LabeledImages]) -> Looked:
    """What a model answers and holds on each part."""
    return Looked(
        {part: seen.probabilities(data.images).numpy() for part, data in parts.items()},
        {part: seen.features(data.images).numpy() for part, data in parts.items()},
    )


def js(one: Looked, other: Looked, part: str) -> float | None:
    """The mean Jensen-Shannon divergence of their answers."""
    return float(jensen_shannon(one.answers[part], other.answers[part]).mean())


def tv(one: Looked, other: Looked, part: str) -> float | None:
    """The total variation distance of the classes' shares among their predictions."""
    return total_variation(shares(one.answers[part]), shares(other.answers[part]))


def cka(one: Looked, other: Looked, part: str) -> float | None:
    """The linear CKA of their features."""
    return linear_cka(one.features[part], other.features[part])


MEASURES: dict[str, Callable[[Looked, Looked, str], float | None]] = {"js": js, "tv": tv, "cka": cka}
"""What is measured between two models."""


def probed_images(subject: Subject, per_class: int) -> LabeledImages:
    """At most `per_class` training images of each class, drawn; those of the forget set among them."""
    forget, retain = subject.split.forget, subject.split.retain
    data = LabeledImages(
        torch.cat([forget.images, retain.images]), torch.cat([forget.labels, retain.labels]), forget.num_classes
    )
    rank_N = rank_in_class(data.labels.cpu(), data.num_classes, subject.generator("probe"))
    return data.select((rank_N < per_class).to(data.labels.device))


def linear_probe(features_ND: Array, labels_N: Array) -> Any:
    """A logistic regression on features of zero mean and unit deviation, with the library's usual regularisation."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_ITERATIONS)).fit(features_ND, labels_N)


def averaged(values: Sequence[float | None]) -> float | None:
    """The mean; None where one is not defined."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
