"""What is to be forgotten: whole classes, a share of them, or rows of the training images."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unlearnleak.data.images import ForgetSplit, LabeledImages, Level
from unlearnleak.data.split import SPLIT_VERSION, rank_in_class
from unlearnleak.errors import UserError, require

LEVELS: frozenset[str] = frozenset({"class", "sample"})
UNKNOWN = "unknown"
"""What `forget_classes` is where nobody says what a model of somebody else's forgot."""
FEW = 5
"""Of how many rows a sentence names each."""


@dataclass(frozen=True, kw_only=True)
class ForgetSet:
    """What is to be forgotten, and the classes that a verdict is to find.

        ForgetSet(classes=(3,))                     all of class 3
        ForgetSet(classes=(3, 5), share=0.2)        a fifth of class 3 and a fifth of class 5, drawn by a seed
        ForgetSet(classes=(3,), rows=(17, 40))      these two training images, of class 3

    Attributes:
        classes: sorted; each has something to forget. Empty for the control, which forgets nothing whatever else is
            said.
        share: of each class's training samples, above 0 and at most 1; 1 is the whole class.
        rows: numbers of training images (the first is 0) instead of a share, in any order.

    Raises `UserError` for a share or rows that cannot be, as far as can be told without the images.
    """

    classes: tuple[int, ...]
    share: float = 1.0
    rows: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(sorted(self.classes)))
        require(
            0 < self.share <= 1, "forget_share", self.share, "above 0 and at most 1, the share of each class to forget"
        )
        if self.rows is None:
            return
        require(self.share == 1, "forget_share", self.share, "forget_rows names rows already, so leave it at 1")
        require(len(self.rows) > 0, "forget_rows", "[]", "nothing would be forgotten; name at least one training image")
        if twice := [row for row, count in Counter(self.rows).items() if count > 1]:
            raise UserError(f"forget_rows holds {_some(twice)} more than once: name each training image once.")
        object.__setattr__(self, "rows", tuple(sorted(self.rows)))

    @property
    def level(self) -> Level:
        """Whether whole classes are forgotten ("class"), or samples while others of their class stay ("sample")."""
        return "class" if not self.classes or (self.rows is None and self.share == 1) else "sample"

    def __str__(self) -> str:
        """In words, for messages."""
        if not self.classes:
            return "nothing"
        classes = f"class{'es' if len(self.classes) > 1 else ''} {', '.join(map(str, self.classes))}"
        if self.level == "class":
            return f"all of {classes}"
        return f"{self.share:g} of {classes}" if self.rows is None else f"{len(self.rows)} samples of {classes}"

    def describe(self, seed: int) -> Any:
        """What a key knows of it: the classes alone for whole classes, and for a share also the seed that draws it."""
        if self.level == "class":
            return self.classes
        if self.rows is not None:
            return {"classes": self.classes, "rows": self.rows}
        return {"classes": self.classes, "share": self.share, "seed": seed, "version": SPLIT_VERSION}

    def check(self, counts_K: Sequence[int]) -> None:
        """Hold a share and rows against how many training images each class has, before an image is read.

        Raises:
            UserError: rows that are not there, or a class of which nothing would be forgotten.
        """
        count = sum(counts_K)
        if self.rows is not None and (outside := [row for row in self.rows if not 0 <= row < count]):
            raise UserError(f"There are no training images {_some(outside)}: rows are numbers from 0 to {count - 1}.")
        if self.rows is None and (missing := [c for c in self.classes if not self._wanted(counts_K[c])]):
            raise UserError(
                f"No sample of class {missing[0]} would be forgotten, which has {counts_K[missing[0]]} training "
                "images: raise the share, or leave the class out of forget_classes."
            )

        if self.rows is None and self.share < 1 and (whole := [c for c in self.classes if self._all(counts_K[c])]):
            raise UserError(
                f"forget_share={self.share:g} of the {counts_K[whole[0]]} training images of class {whole[0]} is all "
                "of them: leave forget_share at 1, or lower it."
            )

    def check_rows(self, labels_N: Tensor) -> None:
        """Hold rows against the training images' labels [N].

        Raises:
            UserError: rows that are not there or are of other classes, or all rows of a class.
        """
        chosen_N = self._named(labels_N.cpu())
        named_K, there_K = torch.bincount(labels_N.cpu()[chosen_N]), torch.bincount(labels_N.cpu())
        if whole := [c for c in self.classes if c < len(named_K) and named_K[c] == there_K[c]]:
            raise UserError(f"forget_rows names every training image of class {whole[0]}: leave it out for that.")

    def count(self, counts_K: Sequence[int]) -> int:
        """How many training images are forgotten, where each class has so many."""
        if self.rows is not None and self.classes:
            return len(self.rows)
        return sum(self._wanted(counts_K[c]) for c in self.classes)

    def _all(self, count: int) -> bool:
        return self._wanted(count) == count

    def _wanted(self, count: int) -> int:
        """How many of `count` samples are forgotten, half a sample rounded up."""
        return math.floor(count * self.share + 0.5)

    def split(self, data: LabeledImages, generator: torch.Generator) -> ForgetSplit:
        """Divide the training images; both parts keep their order.

        A share is drawn by class: of one seed, a larger share holds the smaller one, and whatever else is forgotten
        changes nothing of a class's samples. Whole classes and rows leave the generator untouched.

        Raises:
            UserError: rows that are not there or are of other classes, a class of which nothing would be forgotten,
                or nothing that would be retained.
        """
        if self.level == "class":
            return ForgetSplit.of(data, self.classes)
        labels_N = data.labels.cpu()
        chosen_N = self._drawn(labels_N, data.num_classes, generator) if self.rows is None else self._named(labels_N)
        counts_K = torch.bincount(labels_N[chosen_N], minlength=data.num_classes)
        if missing := [c for c in self.classes if not counts_K[c]]:
            there = int(torch.bincount(labels_N, minlength=data.num_classes)[missing[0]])
            raise UserError(
                f"No sample of class {missing[0]} would be forgotten, which has {there} training images: "
                + ("raise the share, or" if self.rows is None else "name a row of it, or")
                + " leave the class out of forget_classes."
            )
        if chosen_N.all():
            raise UserError("Every training image would be forgotten, so nothing would be retained: forget fewer.")
        chosen_N = chosen_N.to(data.labels.device)
        return ForgetSplit(data.select(chosen_N), data.select(~chosen_N), self.classes, self.level)

    def _drawn(self, labels_N: Tensor, num_classes: int, generator: torch.Generator) -> Tensor:
        """A bool mask [N]: the first ranks of each class."""
        rank_N = rank_in_class(labels_N, num_classes, generator)
        wanted_K = torch.tensor([self._wanted(n) for n in torch.bincount(labels_N, minlength=num_classes).tolist()])
        return torch.isin(labels_N, torch.tensor(self.classes)) & (rank_N < wanted_K[labels_N])

    def _named(self, labels_N: Tensor) -> Tensor:
        """A bool mask [N] of the rows."""
        assert self.rows is not None, "asked where rows are named"
        self.check(torch.bincount(labels_N).tolist())
        chosen_N = torch.zeros(len(labels_N), dtype=torch.bool)
        chosen_N[list(self.rows)] = True
        if others := (chosen_N & ~torch.isin(labels_N, torch.tensor(self.classes))).nonzero()[:, 0].tolist():
            raise UserError(
                f"forget_rows names training images of other classes than forget_classes={list(self.classes)}: "
                + ", ".join(f"{row} is of class {int(labels_N[row])}" for row in others[:FEW])
                + ". Name their classes too, or leave them out."
            )
        return chosen_N


def _some(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows[:FEW])) + (f" and {len(rows) - FEW} more" if len(rows) > FEW else "")


def forget_classes(spec: Sequence[int] | str, num_classes: int, generator: torch.Generator) -> tuple[int, ...]:
    """Return the forgotten classes, sorted.

    `spec` is a list of classes such as [3] or [0, 4, 7], or the string "draw:3" for three classes drawn
    uniformly by the generator, which a list leaves untouched. At least one class is forgotten and at least
    one retained.

    Raises `UserError` for anything else, naming what is wrong with the value.
    """
    if isinstance(spec, str):
        return _draw(spec, num_classes, generator)
    if not isinstance(spec, Sequence):
        raise _refusal(spec, num_classes, "it is neither a list nor a draw")
    if not spec:
        raise _refusal(spec, num_classes, "it is empty, so nothing would be forgotten")
    chosen: list[int] = []
    for item in spec:
        if not isinstance(item, int) or isinstance(item, bool):
            raise _refusal(spec, num_classes, f"{item!r} is not a whole number")
        if not 0 <= item < num_classes:
            raise _refusal(spec, num_classes, f"there is no class {item}")
        chosen.append(item)
    if len(set(chosen)) < len(chosen):
        raise _refusal(spec, num_classes, "a class is named twice")
    if len(chosen) == num_classes:
        raise _refusal(spec, num_classes, "it names every class, so nothing would be retained")
    return tuple(sorted(chosen))


def _draw(spec: str, num_classes: int, generator: torch.Generator) -> tuple[int, ...]:
    match = re.fullmatch(r"draw:([0-9]{1,9})", spec)
    if match is None:
        raise _refusal(spec, num_classes, "it is neither a list nor a draw")
    count = int(match[1])
    if not 1 <= count < num_classes:
        raise _refusal(spec, num_classes, f"{count} classes cannot be drawn")
    drawn = torch.randperm(num_classes, generator=generator)[:count]
    return tuple(sorted(drawn.tolist()))


def _refusal(spec: object, num_classes: int, why: str) -> UserError:
    most = num_classes - 1
    return UserError(
        f"forget_classes={spec!r}: {why}. Allowed: a list of different classes out of 0..{most}, at least "
        f"one and at most {most}, such as [0]; or draw:N with N in 1..{most} for N classes drawn by the "
        f"seed, such as draw:1."
    )
