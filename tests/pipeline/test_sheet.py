"""The contact sheet of recovered images: in the run's folder, and with the logger."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.logger.none import NoLogger
from unlearnleak.metric.reconstruction import Pictures
from unlearnleak.pipeline import record
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.job import run_job
from unlearnleak.pipeline.sheet import contact_sheet, nearest
from unlearnleak.runs.sheet import SHEET

WORDS = ("unlearner=ng", "attack=gradient_matching", "attack.images=2", "forget_rows=[0,1]", "forget_classes=[1]")
WORDS += ("attack.labels=[1]",)


def test_it_shows_each_target_beside_what_was_recovered_of_it_and_the_nearest_retained_image(tmp_path):
    shown = {}

    class Told(NoLogger):
        def images(self, name, images_NCHW, captions):
            shown[name] = images_NCHW, captions

    pipeline = pipeline_in(tmp_path, *WORDS)
    record.log_pictures(Told(), pipeline, evaluate_run(pipeline), contact_sheet(pipeline))
    sheet_PCHW, captions = shown["recovered"]
    assert sheet_PCHW.shape == (2, 1, 12, 36)
    assert sheet_PCHW.dtype == np.uint8
    forgotten = pipeline.split.forget.images.numpy()
    assert sorted(row[..., :12].tobytes() for row in sheet_PCHW) == sorted(image.tobytes() for image in forgotten)
    assert captions == ["forgotten, class 1; recovered as class 1; nearest retained"] * 2
    retained = pipeline.split.retain
    own = retained.images[retained.labels == 1].float()
    for row in sheet_PCHW:
        errors = (own - torch.from_numpy(row[..., :12].astype(np.float32))).square().flatten(1).mean(1)
        assert row[..., 24:].tobytes() == own[errors.argmin()].byte().numpy().tobytes()


def test_the_nearest_is_of_any_class_where_none_of_its_own_is_retained():
    values = torch.tensor([0.0, 0.5, 1.0])
    retained = Pictures(values[:, None, None, None].expand(3, 1, 2, 2), torch.tensor([0, 0, 1]))
    targets = Pictures(torch.full((3, 1, 2, 2), 0.9), torch.tensor([0, 1, 7]))
    assert nearest(targets, retained)[:, 0, 0, 0].tolist() == [0.5, 1.0, 1.0]


def test_a_run_keeps_it_in_its_folder_also_of_the_control(tmp_path):
    for number, words in enumerate(((), ("unlearner=none",))):
        folder = tmp_path / str(number)
        run_job(composed(*overrides_in(tmp_path, *WORDS, *words)), folder, sweep=False)
        with Image.open(folder / SHEET) as picture:
            assert (picture.size, picture.mode) == ((36, 24), "L")


def test_attacks_that_recover_nothing_have_none(tmp_path):
    assert contact_sheet(pipeline_in(tmp_path, "attack=head_sum")) is None
    run_job(composed(*overrides_in(tmp_path, "attack=head_sum")), tmp_path / "run", sweep=False)
    assert not (tmp_path / "run" / SHEET).exists()


def test_a_sheet_whose_run_is_replaced_goes_with_it(tmp_path):
    folder = tmp_path / "runs" / "run"
    run_job(composed(*overrides_in(tmp_path, *WORDS)), folder, sweep=False)
    before = (folder / SHEET).read_bytes()
    run_job(composed(*overrides_in(tmp_path, "attack=head_sum")), folder, sweep=False)
    assert not (folder / SHEET).exists()
    assert [path.read_bytes() for path in (tmp_path / "runs" / ".earlier").rglob(SHEET)] == [before]


@pytest.mark.parametrize("what", ["link", "folder"])
def test_what_stands_in_its_place_is_named_and_the_result_is_kept(tmp_path, what):
    folder = tmp_path / "run"
    folder.mkdir()
    place = folder / SHEET
    place.symlink_to(tmp_path / "elsewhere") if what == "link" else place.mkdir()
    with pytest.raises(Exception, match=f"{SHEET} is {'a link' if what == 'link' else 'no file'}"):
        run_job(composed(*overrides_in(tmp_path, *WORDS)), folder, sweep=False)
    assert (folder / "result.json").exists()
    assert not (tmp_path / "elsewhere").exists()
