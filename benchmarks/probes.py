"""Probing images of all classes in one batch, against one probe at a time: python -m benchmarks.probes

10 classes x 20 probes on which a LeNet is sure of the class, by Adam from the same starts (`adversary/probes.py`);
slowly, one class after another and one probe at a time (`tests/attack/slow_probes.py`). Both end with the same
evidence within --apart. The slow way is timed on --part of the classes, the first, and scaled up.
"""

import copy
from functools import partial

import torch
from torch import Tensor

from benchmarks.inversion import K, trained
from benchmarks.race import Goal, arguments, race, ratio, ready, seconds
from tests.attack import slow_probes
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.output_change import OutputChange
from unlearnleak.machine.seeds import generator
from unlearnleak.model.lenet import LeNet

GOAL = Goal(">=", 10)
APART = 1e-2
SETTINGS = {"probes": 20, "used": 10, "lr": 0.1, "lr_sure": 0.02, "accept": 0.995, "restarts": 2, "loss": "log"}


def batched(attack: OutputChange, before: LeNet, after: LeNet) -> Tensor:
    """The evidence [K, used] of all classes."""
    evidence = attack(view_of(attack.threat, target=after, original=before), generator(0, "probes"))
    return evidence.samples_KMF[..., 0]


def one_at_a_time(attack: OutputChange, before: LeNet, after: LeNet, classes: range) -> Tensor:
    """The same of some classes."""
    start_RNX = slow_probes.starts(attack.search, K, torch.Size(before.image_shape).numel(), generator(0, "probes"))
    change_KU, _ = slow_probes.evidence(before, after, attack.search, start_RNX, classes)
    return change_KU


def main() -> None:
    parser = arguments("probes", "Time probing images.", repeats=5)
    parser.add_argument("--part", type=int, default=10, help="classes that the slow way is timed on, of 10 (10)")
    parser.add_argument("--steps", type=int, default=40, help="steps from a start (40)")
    options = parser.parse_args()
    ready(options)
    attack = OutputChange(**SETTINGS, steps=options.steps, chunk=None)
    before = trained().model
    after = copy.deepcopy(before)
    after.head.weight.data[3] = 0
    ways = {
        "one probe at a time": partial(one_at_a_time, attack, before, after, range(options.part)),
        "one batch": partial(batched, attack, before, after),
    }
    apart = (ways["one probe at a time"]() - ways["one batch"]()[: options.part]).abs()
    print(f"LeNet, {K} classes x {SETTINGS['probes']} probes; evidence agrees within {float(apart.max()):.1e}")
    assert float(apart.max()) < APART, apart
    took = race(ways, options)
    took["one probe at a time"] = [second * K / options.part for second in took["one probe at a time"]]
    seconds(took)
    ratio(took, "one probe at a time", "one batch", GOAL)


if __name__ == "__main__":
    main()
