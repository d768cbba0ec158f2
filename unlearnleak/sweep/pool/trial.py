"""Whether a GPU ends more jobs a second with half as many at once: a short trial on the jobs of a sweep themselves.

Memory says how many jobs fit beside each other, not how many are worth it: without NVIDIA's multi-process service they
take turns, and turns cost. So where enough jobs are left, the GPU runs as many as fit, then half, then as many as fit
again, each for about as long as a job takes; and half again, where that was faster. It is kept only where both looks at
it were clearly better than both at the full number: jobs of a sweep differ in length, and some that are shorter may
stand in the middle.
"""

import time
from collections.abc import Callable

CLEARLY = 1.1
"""So many times the other's jobs a second: less may be chance, and fewer at once are worth nothing by themselves."""
WORTH = 8
"""A trial needs this many jobs a place, of FEWEST places at least: about half for itself, half to gain by it."""
FEWEST = 6
"""Jobs that a rate is of at least."""


class Trial:
    """A trial on one GPU that takes `most` jobs at once; its caller tells it of every job that starts and ends there.

    A rate is that of the first jobs to start while a level holds, all of them, however long they take: of those that
    end within some time the short ones would be too many.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.full, self.half = most, max(1, most // 2)
        self.clock = clock
        self.rates: list[float] = []  # jobs a second, of the levels that are done
        self.reached = False  # no more jobs run than the level says
        self.started: dict[int, float] = {}  # the level's jobs that are timed, by number
        self.took: list[float] = []

    @property
    def over(self) -> bool:
        """Whether it is known what is best; `found` says it."""
        return len(self.rates) == 4 or (len(self.rates) == 3 and not self.half_is_faster)

    @property
    def level(self) -> int:
        """How many jobs the GPU takes at once now."""
        return self.found if self.over else (self.full, self.half)[len(self.rates) % 2]

    @property
    def found(self) -> int:
        """The number of jobs at once that is best by a trial that is over."""
        return self.half if self.half_is_faster else self.full

    @property
    def half_is_faster(self) -> bool:
        """Whether half was clearly faster at every look so far."""
        return min(self.rates[1::2]) > CLEARLY * max(self.rates[::2])

    def begins(self, job: int) -> None:
        """A job has started."""
        if self.reached and len(self.started) < max(FEWEST, self.level):
            self.started[job] = self.clock()

    def ended(self, job: int, busy: int) -> None:
        """A job has ended, and `busy` others go on."""
        if self.over:
            return
        self.reached = self.reached or busy < self.level
        if job in self.started:
            self.took.append(self.clock() - self.started[job])
        if len(self.took) == max(FEWEST, self.level):
            self.rates.append(self.level * len(self.took) / max(sum(self.took), 1e-9))
            self.reached, self.started, self.took = False, {}, []

    def told(self) -> str:
        """The figures of a trial that is over."""
        full, half = (" and ".join(f"{rate:.3g}" for rate in self.rates[first::2]) for first in (0, 1))
        return f"{self.full} at once ended {full} jobs a second, {self.half} {half}"
