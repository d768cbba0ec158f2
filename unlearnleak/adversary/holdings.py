"""What labelled samples an attacker holds: all auxiliary images of the data set, or fewer, others and worse ones.

    Holdings(classes="without_forgotten", per_class=5, ...)

Which images the data set sets aside for an attacker is the data set's own word (`dataset.auxiliary_per_class`): that
decides what is left to train on. This takes some of those, and changes no model. K classes, N samples held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from unlearnleak.adversary.other_images import OtherImages
from unlearnleak.data import LabeledImages
from unlearnleak.data.split import rank_in_class
from unlearnleak.errors import UserError, require

ALL, WITHOUT = "all", "without_forgotten"
FEWEST_CLASSES = 2
"""Of so many classes at least an attacker has samples: with one there is nothing to compare."""


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """The labelled samples of an attacker, as conf/config.yaml has them under `auxiliary`.

    classes: "all", a list of classes, or "without_forgotten": all but those that were to be forgotten, of which the
        attacker happens to have no sample and does not know that this is the reason.
    per_class: how many of each class; None for all that the data set sets aside.
    dataset: other images in their place: `digits`, or a file or folder of labelled images.
    balance: 1 for as many of each class; below 1, from `per_class` down to this share of it in equal ratios, which
        class has how many drawn at random; or a list of counts, one for each class, 0 for none.
    label_noise: the share of all samples that bear a wrong label, drawn among those of the classes held.

    Raises `UserError` for values that cannot be.
    """

    version = 1
    classes: str | list[int] = ALL
    per_class: int | None = None
    dataset: str | None = None
    balance: float | list[int] = 1.0
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        words = f"{ALL}, {WITHOUT}, or a list of {FEWEST_CLASSES} or more classes such as [0,1,4]"
        if isinstance(self.classes, list):
            distinct = len(set(self.classes)) == len(self.classes) >= FEWEST_CLASSES
            require(distinct and min(self.classes) >= 0, "auxiliary.classes", self.classes, words)
        else:
            require(self.classes in (ALL, WITHOUT), "auxiliary.classes", self.classes, words)
        require(self.per_class is None or self.per_class >= 1, "auxiliary.per_class", self.per_class, "1 or more")
        require(0 <= self.label_noise < 1, "auxiliary.label_noise", self.label_noise, "0 or more and below 1")
        if isinstance(self.balance, list):
            right = len(self.balance) > 1 and min(self.balance) >= 0 and self.per_class is None
            require(right, "auxiliary.balance", self.balance, "a count for each class, and no auxiliary.per_class")
        else:
            require(0 < self.balance <= 1, "auxiliary.balance", self.balance, "above 0 and at most 1, or counts")

    @property
    def usual(self) -> bool:
        """Whether all of the data set's auxiliary images are held, as they are."""
        return self == Holdings()

    @cached_property
    def other(self) -> OtherImages | None:
        """The images that are held in the place of the data set's own."""
        return None if self.dataset is None else OtherImages(self.dataset)

    def check(self, there: int) -> None:
        """Hold the counts against how many images of each class the data set sets aside.

        Raises:
            UserError: more are asked for than are there, or the other images are not there.
        """
        if self.other is not None:
            self.other.check()
            return
        asked = {"auxiliary.per_class": self.per_class or 0}
        if isinstance(self.balance, list):
            asked = {"auxiliary.balance": max(self.balance)}
        for name, most in asked.items():
            if most > there:
                raise UserError(
                    f"{name} asks for {most} images of a class, and {there} are set aside for an attacker "
                    f"(dataset.auxiliary_per_class={there}). Lower it to {there}, or raise "
                    "dataset.auxiliary_per_class, which leaves fewer images to train on."
                )

    def described(self, forgotten: Sequence[int], num_classes: int) -> dict[str, Any]:
        """What a key knows of it: where the classes are named by what was to be forgotten, which ones these are."""
        told: dict[str, Any] = {
            "version": self.version,
            "per_class": self.per_class,
            "balance": self.balance,
            "label_noise": self.label_noise,
            "classes": self.of_classes(forgotten, num_classes),
        }
        return told | ({} if self.other is None else {"images": self.other.fingerprint()})

    def of_classes(self, forgotten: Sequence[int], num_classes: int) -> list[int]:
        """The classes that samples are held of.

        Raises:
            UserError: a class that there is not, or too few are left.
        """
        wanted = range(num_classes) if isinstance(self.classes, str) else self.classes
        without = set(forgotten) if self.classes == WITHOUT else set()
        if isinstance(self.balance, list) and len(self.balance) == num_classes:
            without |= {c for c, count in enumerate(self.balance) if not count}
        last = num_classes - 1
        require(max(wanted) <= last, "auxiliary.classes", self.classes, f"classes are numbers from 0 to {last}")
        found = sorted(set(wanted) - without)
        if len(found) < FEWEST_CLASSES:
            raise UserError(
                f"auxiliary.classes={self.classes} leaves samples of {len(found)} class"
                f"{'' if len(found) == 1 else 'es'}: an attacker needs those of {FEWEST_CLASSES} at least."
            )
        return found

    def counts(self, classes: Sequence[int], num_classes: int, most: int, generator: torch.Generator) -> Tensor:
        """How many samples of each class are held, int64 [K]; `most` of a class where no number is named.

        Raises:
            UserError: there are not as many counts as classes.
        """
        counts_K = torch.zeros(num_classes, dtype=torch.int64)
        if isinstance(self.balance, list):
            require(
                len(self.balance) == num_classes, "auxiliary.balance", self.balance, f"{num_classes} counts, or a share"
            )
            counts_K[list(classes)] = torch.tensor(self.balance)[list(classes)]
            return counts_K
        full = self.per_class or most
        places = torch.linspace(0, 1, len(classes), dtype=torch.float64)
        spread = (full * self.balance**places).round().long().clamp(min=1)
        counts_K[torch.tensor(classes)[torch.randperm(len(classes), generator=generator)]] = spread
        return counts_K

    def held(
        self, own: LabeledImages, forgotten: Sequence[int], most: int, generator: torch.Generator
    ) -> LabeledImages:
        """The samples, on the device of `own`, in their order; with more of a class those with fewer are among them.

        Args:
            own: the images that the data set sets aside.
            forgotten: the classes that were to be forgotten.
            most: how many of a class are held where no number is named.
            generator: for all that is drawn, on the CPU.

        Raises:
            UserError: there are too few images of a class.
        """
        source = own if self.other is None else self.other.images(own.image_shape, own.num_classes)
        labels_N, K = source.labels.cpu(), own.num_classes
        rank_N = rank_in_class(labels_N, K, generator)
        classes = self.of_classes(forgotten, K)
        counts_K = self.counts(classes, K, most, generator)
        there_K = torch.bincount(labels_N, minlength=K)
        if self.other is not None and (there_K < counts_K).any():
            short = int((there_K - counts_K).argmin())
            raise UserError(
                f"auxiliary.dataset={self.dataset} has {int(there_K[short])} images of class {short}, and "
                f"{int(counts_K[short])} are asked for. Lower auxiliary.per_class, or leave the class out of "
                "auxiliary.classes."
            )
        kept = source.select((rank_N < counts_K[labels_N]).to(source.labels.device)).to(own.labels.device)
        labels_N = with_noise(kept.labels.cpu(), classes, self.label_noise, generator)
        return LabeledImages(kept.images, labels_N.to(own.labels.device), K)

    @property
    def words(self) -> str:
        """What is unusual of it, for tables, such as "5 a class, 20 % wrong labels"; "" where nothing is."""
        named = isinstance(self.classes, list) and f"classes {' '.join(map(str, self.classes))}"
        listed = isinstance(self.balance, list) and f"{' '.join(map(str, self.balance))} of the classes"
        parts = (
            self.per_class is not None and f"{self.per_class} a class",
            listed or (self.balance != 1 and f"down to {100 * float(self.balance):g} % of that"),  # type: ignore[arg-type]
            named or (self.classes == WITHOUT and "none of the forgotten"),
            self.other is not None and f"images of {self.other.title}",
            self.label_noise > 0 and f"{100 * self.label_noise:g} % wrong labels",
        )
        return ", ".join(part for part in parts if part)


def with_noise(labels_N: Tensor, classes: Sequence[int], share: float, generator: torch.Generator) -> Tensor:
    """The labels with a share of them, rounded, replaced by another of the classes, each as likely."""
    wrong = round(share * len(labels_N))
    if not wrong:
        return labels_N
    rows, known = torch.randperm(len(labels_N), generator=generator)[:wrong], torch.tensor(classes)
    place_n = torch.searchsorted(known, labels_N[rows])
    step_n = torch.randint(1, len(known), (wrong,), generator=generator)
    changed_N = labels_N.clone()
    changed_N[rows] = known[(place_n + step_n) % len(known)]
    return changed_N
