"""A minute's self-check: is any fast way no longer fast? python -m benchmarks.check

Each fast way must agree with its slow one and be faster by a margin that leaves room for any machine: half and less of
what `docs/benchmarks.md` says was measured. CPU time of one thread, the best of a few short rounds. Ends with exit
status 1 where a speed-up is lost.
"""

import sys
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from benchmarks import heads, inversion, ledger, training
from benchmarks.race import CLOCKS, machine
from unlearnleak.machine.max_pool import MaxPool2x2
from unlearnleak.training.class_updates import ClassLedger

ROUNDS = 3
HEADS, STEPS, GENERATIONS, STARTS = 4, 30, 20, 2


def best(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest of a few rounds."""
    clock, took = CLOCKS["cpu"], []
    for _ in range(ROUNDS):
        start = clock()
        work()
        took.append(clock() - start)
    return min(took)


def auxiliary_heads() -> float:
    """How many times as fast as a loop over features the batch of heads is, per head."""
    work = heads.task("lenet")
    few = list(range(0, heads.CLASSES * heads.HEADS, heads.CLASSES * heads.HEADS // HEADS))
    fast = heads.batched(work)
    assert heads.farthest(fast, heads.by_features(work, few), few) < 1e-3, "heads do not agree"
    slow = best(lambda: heads.by_features(work, few)) / HEADS
    return slow / (best(lambda: heads.batched(work)) / (heads.CLASSES * heads.HEADS))


def gradient_inversion() -> float:
    """How many times as fast as one start at a time the batch of starts is, per start."""
    inversion.STEPS, task = STEPS, inversion.trained()
    pairs = zip(task.gradient(), inversion.one_start_at_a_time(task, 1), strict=False)
    assert max(float((fast - slow).abs().max()) for fast, slow in pairs) <= inversion.PIXELS, "images do not agree"
    return best(lambda: inversion.one_start_at_a_time(task, 1)) * inversion.K / best(task.gradient)


def genetic_inversion() -> float:
    """How many times as fast as one individual at a time the batch of populations is, per individual."""
    inversion.GENERATIONS, task = GENERATIONS, inversion.trained()
    return best(lambda: inversion.one_individual_at_a_time(task, 1)) * inversion.K / best(task.genetic)


@torch.no_grad()
def pooling() -> float:
    """How many times as fast as PyTorch's max pooling ours is, on a batch of LeNet's first layer without gradients."""
    x_NCHW, fast, slow = torch.randn(128, 6, 28, 28), MaxPool2x2(), nn.MaxPool2d(2)
    assert torch.equal(fast(x_NCHW), slow(x_NCHW)), "the poolings do not agree"
    return best(lambda: [slow(x_NCHW) for _ in range(50)]) / best(lambda: [fast(x_NCHW) for _ in range(50)])


def trainings() -> dict[str, float]:
    """The bare loop's time over ours, and that without over with ledgers."""
    work = training.task("lenet", epochs=1)
    ways = training.ways_of(work)
    training.agree(ways["fit"](), ways["bare"]())
    bare = best(ways["bare"]) / best(ways["fit"])
    short = replace(work, test=work.test.select(torch.arange(128)))
    with_ledger = best(lambda: ledger.train(short, ClassLedger(10)))
    without = best(lambda: ledger.train(short, None))
    return {
        "training: bare loop / fit": bare,
        "training: without / with ledgers": without / with_ledger,
    }


LEAST = {
    "auxiliary heads": 8,
    "gradient inversion": 3,
    "genetic inversion": 4,
    "max pooling": 3,
    "training: bare loop / fit": 0.5,
    "training: without / with ledgers": 0.3,
}
"""Below this the speed-up is lost. The last two are shares, of about 0.9 and 0.6."""


def main() -> None:
    torch.set_num_threads(1)
    print(f"{machine()}; CPU time, best of {ROUNDS}")
    found = {"auxiliary heads": auxiliary_heads(), "gradient inversion": gradient_inversion()}
    found |= {"genetic inversion": genetic_inversion(), "max pooling": pooling()} | trainings()
    for name, ratio in found.items():
        lost = "" if ratio >= LEAST[name] else "  LOST"
        print(f"  {name:36}{ratio:8.2f}  at least {LEAST[name]:g}{lost}")
    if lost := [name for name, ratio in found.items() if ratio < LEAST[name]]:
        sys.exit(f"Lost: {', '.join(lost)}. docs/benchmarks.md has the figures and the commands.")


if __name__ == "__main__":
    main()
