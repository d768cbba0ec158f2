import logging

import pytest

from unlearnleak.machine.memory import GIBIBYTE as GIB
from unlearnleak.sweep.pool.room import CONTEXT, IDLE, GpuUse, Idle, Room, fitting, gpu_use


@pytest.mark.parametrize(
    ("usable", "reserved", "most", "jobs"),
    [
        (80, 2.0, 16, 16),  # 24 would fit, but for the cores
        (80, 2.0, 100, 24),
        (80, 5.0, 16, 12),
        (80, 35.0, 16, 2),
        (80, 70.0, 16, 1),
        (8, 70.0, 16, 1),  # at least the one that ran
        (80, 0.0, 48, 48),
    ],
)
def test_as_many_jobs_fit_as_the_largest_leaves_room_for(usable, reserved, most, jobs):
    assert CONTEXT == GIB
    assert fitting(int(usable * GIB), int(reserved * GIB), most) == jobs


def use(free: float, reserved: float) -> GpuUse:
    return GpuUse(int(free * GIB), int(reserved * GIB))


def test_a_number_that_is_told_stays(caplog):
    room = Room(["0", "1", None], most=3, auto=False)
    assert [room.takes("0", busy) for busy in range(5)] == [True, True, True, False, False]
    room.learn("0", use(1, 40), 1)
    assert not room.found_full("0", 2)
    assert room.takes("0", 2)
    assert not room.crowded("0", 9)
    assert room.takes(None, 1000)


def test_the_first_job_runs_alone_and_says_how_many_fit(caplog):
    caplog.set_level(logging.INFO)
    room = Room(["0", "1"], most=16, auto=True)
    assert room.takes("0", 0)
    assert not room.takes("0", 1)
    assert not room.crowded("0", 16)  # workers of the wave before wait until it is known
    room.learn("0", use(78, 4), 1)
    assert room.jobs == {"0": 14, "1": 1}  # 0.9 * 79 GiB / 5 GiB
    assert not room.crowded("0", 14)
    assert room.crowded("0", 15)
    assert "GPU 0 takes 14 jobs at once: one reserved 4.0 GiB of 79.0" in caplog.text


def test_a_larger_job_leaves_room_for_fewer_and_a_smaller_one_changes_nothing():
    room = Room(["0"], most=16, auto=True)
    room.learn("0", use(78, 4), 1)
    room.learn("0", use(5, 1), 14)  # the others hold the rest meanwhile
    assert room.jobs["0"] == 14
    room.learn("0", use(5, 10), 14)
    assert room.jobs["0"] == 6


def test_jobs_that_need_no_gpu_fill_the_cores():
    room = Room(["0"], most=16, auto=True)
    room.learn("0", None, 1)
    assert room.jobs["0"] == 16
    room.learn("0", use(78, 4), 16)
    assert room.jobs["0"] == 16  # 0.9 * (78 + 16 contexts) / 5
    room.learn("0", use(78, 11), 16)
    assert room.jobs["0"] == 7
    room.learn("0", None, 7)
    assert room.jobs["0"] == 7


def test_a_job_that_found_it_full_beside_others_is_tried_again_with_fewer():
    room = Room(["0"], most=16, auto=True)
    room.learn("0", use(78, 4), 1)
    assert room.found_full("0", 11)  # of 12
    assert room.jobs["0"] == 6
    assert room.found_full("0", 1)
    assert room.jobs["0"] == 1
    assert not room.found_full("0", 0)  # alone, it will not fit a second time either
    assert not room.found_full(None, 3)


def test_idle_memory_is_given_back_once_and_what_is_needed_is_not_looked_for_again():
    idle, reserved, looks = Idle(), [0], []

    def after(job, *, live):
        """What a job has left, of which a look finds all but `live` idle."""
        reserved[0] = job
        idle.give_back(lambda: reserved[0], lambda: (looks.append(job), reserved.__setitem__(0, live)))
        return reserved[0]

    assert after(IDLE, live=0) == IDLE  # it may keep so much
    assert looks == []
    images = 3 * IDLE
    assert after(9 * IDLE, live=images) == images
    for _ in range(3):  # short jobs beside the images
        after(images + IDLE // 2, live=images)
    assert looks == [9 * IDLE]
    assert after(images + 2 * IDLE, live=images) == images  # a training
    after(IDLE // 2, live=0)  # the images have gone
    assert after(2 * IDLE, live=0) == 0
    assert len(looks) == 3


def test_a_process_without_a_gpu_says_so():
    assert gpu_use() is None
