from argparse import Namespace

import pytest
import torch

from benchmarks import literature
from benchmarks.literature import PUBLISHED, commands, row_of, shares, table
from tests.jobs import overrides_in, pipeline_in

RUN = {
    "retain_acc_train": 0.99,
    "forget_acc_train": 0.02,
    "retain_acc": 0.9514,
    "unlearner": "ft",
    "seeds": {"original": 3},
    "gate": "passed",
    "verdict": [9, 2],
}
SHARES = [15, 70, 0, 0, 0, 0, 0, 0, 10, 5]


def test_ra_ua_and_ta_are_of_retained_and_forgotten_training_and_retained_test_images():
    row = row_of(RUN, SHARES)
    assert row[:3] == pytest.approx((99, 98, 95.14))
    assert row.shares == (70, 15, 10)


def test_the_published_row_stands_below_ours_and_runs_in_the_published_order():
    control = RUN | {"unlearner": "none", "verdict": []}
    lines = table([control, RUN, RUN | {"unlearner": "rt"}], [SHARES] * 3)
    assert [line.split()[0] for line in lines[1:]] == ["rt,", "published", "ft,", "published", "none,"]
    assert lines[3].split()[:3] == ["ft,", "seed", "3"]
    assert lines[3].split()[3:] == ["99.00", "98.00", "95.14", "70.0", "15.0", "10.0", "passed", "truck", "bird"]
    assert lines[4].split()[2:] == ["99.97", "100.00", "94.99", "70.3", "12.4", "13.1"]
    assert lines[5].endswith("none")
    assert set(PUBLISHED) == {"rt", "ft", "ng", "l1_sparse", "salun"}


def test_shares_are_of_what_the_stored_model_says_to_the_forgotten_class_s_test_images(tmp_path, cli):
    words = overrides_in(tmp_path, "unlearner=ft", "attack=head_sum", "forget_classes=[1]")
    assert cli(*words, cwd=tmp_path).code == 0
    (result,) = (tmp_path / "runs").rglob("result.json")
    pipeline = pipeline_in(tmp_path, "unlearner=ft", "attack=head_sum", "forget_classes=[1]")
    test = pipeline.plan.resident.test
    model = pipeline.model("unlearned")
    said = [int(model(model.normalize(image[None])).argmax()) for image in test.images[test.labels == 1]]
    assert shares(result.parent) == pytest.approx([100 * said.count(k) / len(said) for k in range(4)])
    assert torch.tensor(shares(result.parent)).sum() == pytest.approx(100)


def test_the_literature_s_schedule_is_one_sweep_and_a_shorter_one_a_sweep_an_unlearner(tmp_path):
    told = {"out": tmp_path, "words": ["seed=1"], "unlearners": ["rt", "l1_sparse"], "epochs": None}
    (whole,) = commands(Namespace(**told, unlearning_epochs=None))
    assert whole[-2:] == ["seed=1", "unlearner=rt,l1_sparse"]
    retrained, sparse = commands(Namespace(**told | {"epochs": 3}, unlearning_epochs=1))
    assert retrained[-3:] == ["training.epochs=3", "seed=1", "unlearner=rt"]
    assert sparse[-3:] == ["unlearner=l1_sparse", "unlearner.epochs=1", "unlearner.free_epochs=0"]


def test_a_table_of_no_runs_is_told_where_they_were_looked_for(tmp_path):
    with pytest.raises(SystemExit, match=r"no finished run in .*literature: leave --table-only out"):
        literature.main(["--table-only", "--out", str(tmp_path)])
