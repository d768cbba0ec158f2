"""The trial on a GPU whose speed is a function of how many jobs are on it, simulated event by event."""

import heapq
import itertools
import logging
import random
from collections.abc import Callable

import pytest

from unlearnleak.machine.memory import GIBIBYTE
from unlearnleak.sweep.pool.room import GpuUse, Room
from unlearnleak.sweep.pool.trial import FEWEST, WORTH, Trial

USE = GpuUse(78 * GIBIBYTE, GIBIBYTE // 2)


def simulated(lengths: list[float], most: int, speed: Callable[[int], float], gpus: int = 1) -> tuple[Room, float]:
    """Run jobs of these lengths (seconds alone) as the launcher does; `speed(n)` is what each of n at once has of it.

    Returns the room as it is at the end, and the seconds that all took.
    """
    names = [str(number) for number in range(gpus)]
    now = 0.0
    room = Room(names, most=most, auto=True, clock=lambda: now)
    waiting, order = list(reversed(lengths)), itertools.count()
    # Per GPU, a time that passes at the speed of its jobs: a job ends when it has had its length of it.
    passed = dict.fromkeys(names, 0.0)
    running: dict[str, list[tuple[float, int]]] = {name: [] for name in names}
    while waiting or any(running.values()):
        for name in names:
            while waiting and room.takes(name, len(running[name])):
                job = next(order)
                room.begins(name, job)
                heapq.heappush(running[name], (passed[name] + waiting.pop(), job))
        left = {name: (jobs[0][0] - passed[name]) / speed(len(jobs)) for name, jobs in running.items() if jobs}
        first = min(left, key=left.__getitem__)
        for name in left:
            passed[name] += left[first] * speed(len(running[name]))
        now += left[first]
        _, job = heapq.heappop(running[first])
        room.learn(first, USE, len(running[first]) + 1)
        room.ended(first, job, len(running[first]), len(waiting))
    return room, now


def perfect(_: int) -> float:
    return 1.0


def turns(at_once: int) -> float:
    return 1 / at_once


def thrashing(at_once: int) -> float:
    """Two at once are best, each beyond them costs all."""
    return 1.0 if at_once <= 2 else 1.4 / at_once**1.5


@pytest.mark.parametrize(
    ("speed", "number"), [(perfect, 16), (turns, 16), (lambda n: n**-0.5, 16), (thrashing, 2), (lambda n: 1 / n**2, 1)]
)
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_the_best_number_is_found_and_no_gain_by_chance_changes_it(speed, number, spread):
    random.seed(0)
    lengths = [random.uniform(1 - spread, 1 + spread) for _ in range(400)]
    room, _ = simulated(lengths, 16, speed)
    assert room.jobs == {"0": number}


def test_jobs_in_the_middle_that_are_shorter_are_no_reason():
    lengths = [1.0] * 32 + [0.2] * 14 + [1.0] * 154  # those of one unlearner of a grid, say
    assert rates_seen(lengths) == pytest.approx([1, 5, 1, 1], rel=0.3)
    assert simulated(lengths, 16, turns)[0].jobs == {"0": 16}


def rates_seen(lengths: list[float]) -> list[float]:
    seen: list[float] = []

    class Watched(Trial):
        def told(self) -> str:
            seen.extend(self.rates)
            return super().told()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlearnleak.sweep.pool.room.Trial", Watched)
        simulated(lengths, 16, turns)
    return seen


def test_what_a_trial_costs_where_as_many_as_fit_are_best():
    jobs = WORTH * 16 + 1
    _, seconds = simulated([1.0] * jobs, 16, perfect)
    alone = 1  # the first, which says how many fit
    assert seconds <= alone + (jobs - 1) / 16 * 1.25


def test_what_it_gains_where_they_are_in_each_others_way():
    jobs = [1.0] * 400
    tried, told = simulated(jobs, 16, thrashing)[1], sum(jobs) / (16 * thrashing(16))
    assert tried < 0.6 * told


@pytest.mark.parametrize(("jobs", "gpus", "tried"), [(131, 1, True), (60, 1, False), (131, 2, False), (300, 2, True)])
def test_a_wave_that_is_too_short_has_none(caplog, jobs, gpus, tried):
    caplog.set_level(logging.INFO)
    simulated([1.0] * jobs, 16, turns, gpus)
    assert ("at once ended" in caplog.text) == tried


def test_the_log_has_its_figures(caplog):
    caplog.set_level(logging.INFO)
    simulated([1.0] * 200, 16, turns)
    assert "GPU 0: 16 at once ended 1 and 1 jobs a second, 8 1; it takes 16 from here" in caplog.text


@pytest.mark.parametrize("most", [2, 3, 5, 16])
def test_rates_of_jobs_that_start_together_are_exact(most):
    """They end in bursts, of which a count from end to end would have one too many or too few."""
    now = [0.0]
    trial = Trial(most, lambda: now[0])
    numbers, levels = itertools.count(), []
    trial.ended(next(numbers), 0)  # the one that ran alone
    while not trial.over:
        together = list(itertools.islice(numbers, trial.level))
        for job in together:
            trial.begins(job)
        now[0] += 2.0
        levels.append(trial.level)
        for others, job in zip(reversed(range(len(together))), together, strict=True):
            trial.ended(job, others)
        assert now[0] < 100 * FEWEST
    assert levels[0] == most
    assert trial.rates == [pytest.approx(each / 2) for each in (most, most // 2, most)]


def test_a_full_gpu_ends_the_trial():
    room = Room(["0"], most=16, auto=True)
    room.learn("0", USE, 1)
    room.ended("0", 0, 0, 500)
    assert room.trials
    room.found_full("0", 15)
    assert not room.trials
    assert room.takes("0", 7)
    assert not room.takes("0", 8)


def test_a_number_that_is_told_is_not_tried():
    room = Room(["0"], most=16, auto=False)
    for _ in range(100):
        room.learn("0", USE, 16)
        room.ended("0", 0, 15, 500)
    assert not room.trials
    assert room.takes("0", 15)
