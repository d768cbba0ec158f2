"""Every setting of a job that is no component's own: the keys of a config, and what may stand there.

conf/config.yaml gives each its default and says why.
"""

from dataclasses import dataclass

from unlearnleak.errors import UserError

GROUPS = ("dataset", "model", "unlearner", "defense", "attack", "screening", "evaluation")
"""The groups of components, in the order of an experiment."""
KEYS = frozenset(
    {
        *GROUPS,
        *(
            "logger",
            "runtime",
            "training",
            "finetuning",
            "gate",
            "seed",
            "seeds",
            "until",
            "dry_run",
            "fail_fast",
            "only",
        ),
    }
    | {
        "forget_classes",
        "forget_share",
        "forget_rows",
        "store",
        "runs",
        "sweep_name",
        "objective",
        "target",
        "auxiliary",
    }
)
"""All keys of a job's config."""
SHAPE = ("image_shape", "num_classes", "mean", "std")
"""What a model's constructor learns from the data set, not from the config."""
SEED_LIMIT = 2**32
"""What scikit-learn and NumPy take."""


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """One seed per source of chance (conf/config.yaml says what each decides)."""

    data: int
    forget: int
    original: int
    unlearning: int
    attack: int

    def __post_init__(self) -> None:
        wrong = [f"seeds.{name}={value}" for name, value in vars(self).items() if not 0 <= value < SEED_LIMIT]
        if wrong:
            raise UserError(f"{', '.join(wrong)}: a seed is a whole number from 0 to {SEED_LIMIT - 1}.")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """When a model counts as unlearned: bounds on test accuracies, in [0, 1]."""

    forget_acc: float
    retain_loss: float

    def __post_init__(self) -> None:
        wrong = [f"gate.{name}={value}" for name, value in vars(self).items() if not 0 <= value <= 1]
        if wrong:
            raise UserError(f"{', '.join(wrong)}: a bound on an accuracy is a number from 0 to 1.")


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where and how things run (conf/runtime)."""

    device: str
    threads: int | None
    checkpoint_seconds: float | None
    cuda_graphs: bool = True

    def __post_init__(self) -> None:
        if self.checkpoint_seconds is not None and self.checkpoint_seconds < 0:
            raise UserError(
                f"runtime.checkpoint_seconds={self.checkpoint_seconds} is not possible: 0 or more seconds, or null for "
                "no checkpoints."
            )
