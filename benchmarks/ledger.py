"""What AU's ledgers cost: python -m benchmarks.ledger [--model resnet18]

Training with the sums of updates of ten classes (unlearnleak/training/class_updates.py) against the same training
without them, which ends at the same bits. What the ledger holds is checked against what it must sum up to: over all
classes, the way from the initial to the final weights.
"""

from functools import partial

import torch
from torch import Tensor

from benchmarks.race import Goal, arguments, race, ratio, ready, seconds
from benchmarks.training import MODELS, Task, agree, task
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base import Classifier
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit

GOALS = {"lenet": Goal("<=", 2), "resnet18": Goal("<=", 3)}
EPOCHS = {"lenet": 2, "resnet18": 1}
ROUNDING = 1e-4
"""How far the sum over classes may be from the way the weights went, as a share of the longest step of one weight."""


def train(work: Task, ledger: ClassLedger | None) -> Classifier:
    model = work.model()
    callbacks, draw = [ledger] if ledger else [], generator(0, "batches")
    fit(model, work.train, work.optimization, test=work.test, generator=draw, label="benchmark", callbacks=callbacks)
    return model


def flat(model: Classifier) -> Tensor:
    """All parameters in one vector."""
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def check(work: Task) -> float:
    """Fails unless the ledger leaves the weights alone and sums up to their way; returns how far apart these are."""
    ledger = ClassLedger(10)
    plain, kept = train(work, None), train(work, ledger)
    agree(plain, kept)
    way_P = flat(kept) - flat(work.model())
    apart = float((ledger.ledger_KP.sum(0) - way_P).abs().max() / way_P.abs().max())
    assert apart <= ROUNDING, apart
    return apart


def main() -> None:
    parser = arguments("ledger", "Time trainings with and without ledgers.", repeats=5)
    parser.add_argument("--model", choices=MODELS, action="append", help="one or more (all)")
    options = parser.parse_args()
    ready(options)
    for name in options.model or MODELS:
        work = task(name, epochs=EPOCHS[name])
        print(f"{name}: {work.optimization.steps_per_epoch * EPOCHS[name]} steps; sums agree within {check(work):.1e}")
        took = race({"ledger": lambda: train(work, ClassLedger(10)), "none": partial(train, work, None)}, options)  # noqa: B023
        seconds(took)
        ratio(took, "ledger", "none", GOALS[name])


if __name__ == "__main__":
    main()
