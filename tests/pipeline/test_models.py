"""Models of a plan: what would not fit into memory is refused before any of it is taken."""

import pytest
import torch

from tests.jobs import images, pipeline_in, write_npz
from unlearnleak.errors import UserError
from unlearnleak.machine.memory import GIBIBYTE
from unlearnleak.pipeline import models


def test_a_model_for_images_too_large_for_memory_is_refused_unbuilt(tmp_path, monkeypatch):
    write_npz(tmp_path / "images.npz", **images(2))
    pipeline = pipeline_in(tmp_path, "forget_classes=[1]")
    facts = pipeline.facts._replace(image_shape=(1, 3000, 3000))
    monkeypatch.setattr(models, "free_memory", lambda: 2 * GIBIBYTE)
    with pytest.raises(UserError, match=r"model=lenet for images of 3000x3000 has 4,2\d\d,\d+,\d+ bytes of weights"):
        models.built(pipeline.plan, facts, 0, "original")


def test_the_size_is_that_of_the_model(tmp_path):
    pipeline = pipeline_in(tmp_path)
    model = models.built(pipeline.plan, pipeline.facts, 0, "original")
    assert models.size(type(model), "{}", pipeline.facts) == sum(t.nbytes for t in model.state_dict().values())


def test_a_stored_model_is_its_own_and_draws_no_weights(tmp_path, monkeypatch):
    pipeline = pipeline_in(tmp_path)
    artifact, how = pipeline.artifact("original"), (pipeline.plan, pipeline.facts)
    one = models.stored(*how, artifact, torch.device("cpu"))
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.fill_(9)
    drawn = []
    monkeypatch.setattr(pipeline.plan.model_class, "__init__", lambda *_, **__: drawn.append(1))
    other = models.stored(*how, artifact, torch.device("cpu"))
    assert drawn == []
    assert not other.training
    for name, value in other.state_dict().items():
        assert torch.equal(value, artifact.tensors[f"{models.PREFIX}{name}"])


def test_a_large_model_is_not_kept(tmp_path, monkeypatch):
    pipeline = pipeline_in(tmp_path)
    monkeypatch.setattr(models, "KEPT_BYTES", 1000)
    monkeypatch.setattr(models, "_drawn", lambda *_: pytest.fail("kept"))
    models.stored(pipeline.plan, pipeline.facts, pipeline.artifact("original"), torch.device("cpu"))
