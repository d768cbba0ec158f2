"""A model that this project exported is audited with nothing told but the images: its card says the rest."""

import pytest

from tests.jobs import pipeline_in
from unlearnleak.auditing.files import CARD, Files, audit_files
from unlearnleak.pipeline.export import export_images, export_model


@pytest.mark.parametrize("suffix", ["safetensors", "pt2"])
def test_the_card_tells_architecture_normalisation_and_classes(tmp_path, suffix):
    pipeline = pipeline_in(tmp_path, "unlearner=rt", "dataset.auxiliary_per_class=8")
    pipeline.artifact("unlearned")
    path = export_model(pipeline, "unlearned", tmp_path / f"w.{suffix}")
    aux = export_images(pipeline, tmp_path / "aux.npz")
    result = audit_files(Files(str(path), images=str(aux)), quick=True, device="cpu")
    understood, facts = result.understood, pipeline.facts
    assert understood.num_classes == facts.num_classes
    assert understood.mean == pytest.approx(facts.mean)
    assert understood.std == pytest.approx(facts.std)
    assert understood.head is not None
    assert understood.normalisation in (CARD, "the model's own")
    model, images = pipeline.model("unlearned"), pipeline.plan.resident.auxiliary
    right = (model(model.normalize(images.images)).argmax(1) == images.labels).double().mean().item()
    assert understood.accuracy == pytest.approx(right)
