"""What an audit answers. `docs/audit.md` describes these fields: they are those of audit.json, by the same names.

Classes are numbers from 0 to K - 1, rates and accuracies are in [0, 1]; what is not known is None. Nothing here depends
on the time that anything took: the same audit gives the same object.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["silent", "leak", "not judged"]
State = Literal["ran", "not possible", "left out"]
EXIT: dict[Status, int] = {"silent": 0, "leak": 3, "not judged": 2}
"""The command's exit status by the answer; 1 is a mistake of its user, as of every command."""
VERSION = 1
"""Of the form of audit.json: raised when a field changes its meaning."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How many of n, with Wilson's 95 % interval."""

    count: int
    n: int
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Normalised:
    """The accuracy on the images under one normalisation."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What the audit takes the model and the images for."""

    model: str
    kind: str
    num_classes: int
    class_names: tuple[str, ...] | None
    image_shape: tuple[int, int, int] | None
    head: str | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    normalisation: str
    original: str | None
    images: int
    images_per_class: tuple[int, ...] | None
    accuracy: float | None
    accuracy_per_class: tuple[float | None, ...] | None
    original_accuracy: float | None
    plausible: bool | None
    normalisations: tuple[Normalised, ...]
    not_judged_classes: tuple[int, ...]
    notes: tuple[str, ...]
    shown_classes: tuple[int, ...] | None = None
    original_accuracy_per_class: tuple[float | None, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How often an attack is wrong where the truth is known.

    false_alarms: on copies of this very model that forgot nothing. found: on copies that never saw one class, which
    must be named alone. controls: alarms on the project's committed controls, of `datasets`. Each is None where it was
    not measured, and `note` says why, or how it was. kinds: alarms on committed models that forgot nothing and learnt
    something badly, by their kind (`committed.KINDS`).
    """

    false_alarms: Rate | None = None
    found: Rate | None = None
    controls: Rate | None = None
    datasets: tuple[str, ...] = ()
    kinds: dict[str, Rate] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The verdict held against the truth."""

    outcome: Literal["exact", "missed", "wrong"]
    missed: tuple[int, ...]
    wrong: tuple[int, ...]
    asr: float
    asr_constant: float


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """One attack with one screening: what it named, and whether that counts."""

    attack: str
    screening: str | None
    threat: str
    state: State
    why: str | None = None
    named: tuple[int, ...] = ()
    scores: tuple[float | None, ...] | None = None
    queries: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    calibration: Calibration = field(default_factory=Calibration)
    counts: bool = False
    reason: str | None = None
    evaluation: Evaluation | None = None

    @property
    def name(self) -> str:
        """Both words."""
        return f"{self.attack} / {self.screening}" if self.screening else self.attack


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of an audit, as data; `shown.AuditResult` adds how it shows itself.

    status: "leak" where an attack that counts names a class, "silent" where some count and name none, else
    "not judged".
    classes: what the attacks that count name, each with who names it in `named_by`.
    digests: SHA-256 of the files that were given, by what they were given as.
    asked: SHA-256 of these and of what the command said; None in Python. The same command has the same.
    any_false_alarm: on how many of the model's own copies that forgot nothing any of the attacks that count named
    something.
    """

    status: Status
    classes: tuple[int, ...]
    named_by: dict[int, tuple[str, ...]]
    answer: tuple[str, ...]
    trust: tuple[str, ...]
    any_false_alarm: Rate | None
    understood: Understood
    attacks: tuple[Attacked, ...]
    truth: tuple[int, ...] | None
    seed: int
    quick: bool
    effort: float
    unlearnleak: str
    digests: dict[str, str] = field(default_factory=dict)
    asked: str | None = None
    version: int = VERSION

    @property
    def exit_status(self) -> int:
        """0 silent, 3 leak, 2 not judged."""
        return EXIT[self.status]

    @property
    def counted(self) -> tuple[Attacked, ...]:
        """The attacks on which the answer rests."""
        return tuple(one for one in self.attacks if one.counts)

    def as_dict(self) -> dict[str, Any]:
        """As audit.json holds it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def to_json(self) -> str:
        """The text of audit.json."""
        return json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n"
