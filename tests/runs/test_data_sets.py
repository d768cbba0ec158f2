"""Data sets of one name that are not one."""

import pytest
import torch

from tests.report.made import hydra, judged, keep, run, write_run
from unlearnleak.report.build import build
from unlearnleak.runs.data_sets import told_apart

KINDS = [(10, 1, 8, 8), (3, 1, 16, 16), (5, 3, 12, 12), (3, 1, 20, 14)]
"""Classes, channels, height and width of the data sets."""


def test_one_kind_keeps_its_name():
    runs = [run(dataset="npz", num_classes=3), run(dataset="npz"), run(dataset="digits", num_classes=10)]
    assert [one["dataset"] for one in told_apart(runs)] == ["npz", "npz", "digits"]


def test_several_kinds_are_told_apart_by_what_differs():
    runs = [
        run(dataset="npz", num_classes=3, image_shape=[1, 16, 16]),
        run(dataset="npz", num_classes=5),
        run(dataset="npz"),
    ]
    assert [one["dataset"] for one in told_apart(runs)] == ["npz (3 classes)", "npz (5 classes)", "npz"]
    sizes = [run(dataset="x", num_classes=3, image_shape=[1, side, side]) for side in (16, 28)]
    assert [one["dataset"] for one in told_apart(sizes)] == ["x (1x16x16)", "x (1x28x28)"]


def test_runs_without_a_result_are_left_alone():
    failed = {"status": "failed", "dataset": "npz"}
    assert told_apart([run(dataset="npz", num_classes=3), run(dataset="npz", num_classes=4), failed])[2] is failed


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The report of runs of every kind, most of one name."""
    folder = tmp_path_factory.mktemp("kinds")
    for number, (count, *shape) in enumerate(KINDS):
        for attack, screening in (("inversion_gradient", "threshold"), ("param_dot", "youden")):
            told = judged([1], [1], count, seed=number, settings=f"{number:08x}", attack=attack, screening=screening)
            told |= {"dataset": "npz" if number else "digits"}
            images = {"images_KCHW": torch.rand(count, *shape)} if attack == "inversion_gradient" else {}
            samples = -torch.rand(count, 4, count if images else 1)
            told["key_evidence"] = keep(folder / "store", "evidence", {"n": number}, samples_KMF=samples, **images)
            hydra(write_run(folder / "runs" / f"{number}-{attack}", **told), folder / "store", [])
    return build([folder / "runs"], pictures=None).parent


def test_a_report_of_all_kinds_has_every_table_and_figure(written):
    text = (written / "index.html").read_text()
    for words in ("npz (3 classes), inversion_gradient, 3 classes, 16 x 16 grey", "3 classes, 20 x 14 grey"):
        assert words in text
    for words in ("digits, inversion_gradient", "npz (5 classes), inversion_gradient", "npz (5 classes), rt, 1 class"):
        assert words in text
    assert text.count('alt="Inverted image of class') == sum(count for count, *_ in KINDS)
    assert {path.name for path in (written / "tables").glob("matrix_*.csv")} == {
        f"matrix_{name}.csv" for name in ("digits", "npz__3_classes_", "npz__5_classes_")
    }
    assert (written / "figures" / "fig3_inverted_images.pdf").is_file()
