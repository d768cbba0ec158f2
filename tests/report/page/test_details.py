"""One run's section: pictures from the store, the command that repeats it."""

import base64
import io
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from tests.report.made import hydra, judged, keep, run, write_run
from unlearnleak.report.page.details import Pictures, choose, class_lines, command, detail, stage_line, uses
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.stored import Stores
from unlearnleak.runs.words import named

CURVE = [{"epoch": e, "train_acc": e / 4, "test_acc": e / 5} for e in range(1, 4)]


@pytest.fixture
def inverted(tmp_path):
    """A finished inversion run with images of known pixels and one trained model."""
    images_KCHW = torch.arange(10).view(10, 1, 1, 1).expand(10, 1, 4, 4) / 10
    keys = {
        "key_evidence": keep(tmp_path / "s", "evidence", images_KCHW=images_KCHW, samples_KMF=torch.zeros(10, 1, 10)),
        "key_original": keep(tmp_path / "s", "original", {"curve": CURVE}),
        "key_unlearned": keep(tmp_path / "s", "unlearned", {"curve": []}),
    }
    folder = write_run(tmp_path / "runs" / "a", **judged([3], [3]), **keys, attack="inversion_gradient")
    hydra(folder, tmp_path / "s", ["unlearner=rt", "forget_classes=[0,4]", "+sweep=demo"])
    (one,) = load_runs([tmp_path / "runs"])
    return named(one)


def test_the_images_are_those_of_the_store_class_by_class(inverted):
    found = detail(inverted, "run-1", Pictures(Stores(), {id(inverted)}), Counter())
    assert [image.forgotten for image in found.images] == [c == 3 for c in range(10)]
    for image in found.images:
        content = base64.b64decode(image.address.removeprefix("data:image/png;base64,"))
        pixels = np.asarray(Image.open(io.BytesIO(content)))
        assert pixels.shape == (4, 4)
        assert (pixels == round(25.5 * image.number)).all()


def test_a_model_that_was_not_trained_has_no_curve(inverted):
    found = detail(inverted, "run-1", Pictures(Stores(), {id(inverted)}), Counter())
    assert len(found.curves) == 1
    assert "test images 60.0 % after 3 epochs" in found.curves[0]
    assert found.note == ""


def test_one_curve_in_two_runs_has_ids_of_its_own_in_each(inverted):
    twin = dict(inverted)
    pictures = Pictures(Stores(), {id(inverted), id(twin)})
    first, second = (
        detail(one, name, pictures, Counter()).curves[0] for one, name in ((inverted, "run-1"), (twin, "run-2"))
    )
    assert first != second
    assert first == second.replace("run-2", "run-1")


def test_pictures_that_are_left_out_or_gone_are_said(inverted):
    assert "--all-images" in detail(inverted, "run-1", Pictures(Stores(), set()), Counter()).note
    gone = detail(inverted, "run-1", Pictures(Stores(inverted["directory"] / "none"), {id(inverted)}), Counter())
    assert gone.images == []
    assert "No images: evidence/" in gone.note


def test_every_cell_gets_pictures_before_any_gets_a_second_one():
    runs = [run(**judged([1], [1], seed=s), unlearner=word) for word in ("rt", "ng") for s in range(5)]
    chosen = choose(framed(runs), 3)
    assert sorted(
        sum(place in chosen for place, one in enumerate(runs) if one["unlearner"] == word) for word in ("rt", "ng")
    ) == [1, 2]
    assert choose(framed(runs), None) == set(range(10))
    assert choose(framed(runs), 0) == set()


def test_the_command_gives_the_same_run_again(inverted):
    words = command(inverted)
    assert words == "python -m unlearnleak.run unlearner=rt 'forget_classes=[0,4]' +sweep=demo"
    assert command({"directory": inverted["directory"] / "nowhere"}) == ""


def test_a_stage_says_how_many_runs_use_what_it_gave():
    runs = [run(key_original="a", key_unlearned=of, seconds_unlearned=3.0) for of in ("b", "b", "c")]
    line = stage_line(runs[0], "unlearned", uses(runs))
    assert (line.seconds, line.uses, uses(runs)["a"]) == ("3.0 s", 2, 3)


def test_scores_carry_verdict_and_truth():
    lines = class_lines(run(**judged([3], [3, 4])))
    assert [line.number for line in lines if line.judged] == [3, 4]
    assert [line.number for line in lines if line.forgotten] == [3]
    assert max(line.length for line in lines) == 100.0
    assert min(line.length for line in lines) == 0.0


def test_of_a_hundred_classes_those_that_say_most_are_shown(tmp_path):
    forgotten, verdict = list(range(80, 92)), [5, 80]
    key = keep(tmp_path / "s", "evidence", images_KCHW=torch.rand(100, 1, 4, 4), samples_KMF=torch.zeros(100, 1, 1))
    folder = write_run(tmp_path / "runs" / "a", **judged(forgotten, verdict, classes=100), key_evidence=key)
    hydra(folder, tmp_path / "s", [])
    (one,) = load_runs([tmp_path / "runs"])
    found = detail(one, "run-1", Pictures(Stores(), {id(one)}), Counter())
    numbers = [line.number for line in found.classes]
    assert (len(numbers), found.total) == (24, 100)
    assert {*forgotten, *verdict, 99} <= set(numbers)  # 99 has the highest score of the others
    assert numbers == sorted(numbers)
    assert len(found.images) == 24
    assert [image.number for image in found.images if image.forgotten] == forgotten
