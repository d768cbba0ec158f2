"""Recorders that somebody might add, beside that of AU."""

import pytorch_lightning as pl
import torch

from unlearnleak.training.recorder import Recorder, handed_over, record


class Loud(Recorder):
    """Two trainings, whose numbers it adds up."""

    name = "loud"
    version = 1
    tensors = {"sum": "loud_sum"}  # noqa: RUF012

    def record(self, num_classes, train):
        seen = [pl.Callback(), pl.Callback()]
        for number, callback in enumerate(seen):
            train(callback, f"-{number}")
        return {"loud_sum": torch.tensor(float(num_classes))}


class Quiet(Loud):
    name = "quiet"
    tensors = {"last": "quiet_last"}  # noqa: RUF012

    def record(self, num_classes, train):
        train(pl.Callback(), "")
        return {"quiet_last": torch.ones(2)}


def trainings(recorders):
    seen = []

    def train(callbacks, part):
        seen.append((len(callbacks), part))
        return len(seen)

    return record(recorders, 4, train), seen


def test_without_recorders_there_is_one_training():
    assert trainings([]) == ((1, {}), [(0, "")])


def test_a_recorder_trains_as_often_as_it_needs_and_the_last_training_stands_for_all():
    (last, records), seen = trainings([Loud()])
    assert (last, records) == (2, {"loud_sum": torch.tensor(4.0)})
    assert seen == [(1, "-0"), (1, "-1")]


def test_several_recorders_share_no_checkpoint():
    (last, records), seen = trainings([Quiet(), Loud(), Quiet()])
    assert last == 4
    assert set(records) == {"loud_sum", "quiet_last"}
    assert len({part for _, part in seen}) == 4


def test_what_was_left_is_handed_over_by_its_name_and_in_place():
    kept = {"loud_sum": torch.tensor(4.0), "model.w": torch.ones(3)}
    assert handed_over([Loud()], kept, lambda t: t + 1) == {"sum": torch.tensor(5.0)}
    assert handed_over([], kept, lambda t: t) == {}
