"""`unlearnleak export` of a run's folder, and of what is none."""

import pytest
from omegaconf import OmegaConf

from tests.jobs import composed, overrides_in
from unlearnleak.cli.commands import main
from unlearnleak.pipeline.job import run_job
from unlearnleak.runs.place import record_config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    config, place = composed(*overrides_in(folder, "unlearner=rt")), folder / "runs" / "one"
    result = run_job(config, place, sweep=False)
    record_config(place, config, OmegaConf.create({"overrides": {"task": []}}))
    return place, result


def test_a_runs_model_comes_back_with_the_runs_own_verdict(run, tmp_path, capsys):
    place, result = run
    assert main(["export", str(place), "--out", str(tmp_path), "--images"]) == 0
    weights, images = capsys.readouterr().out.split()
    assert weights.endswith("one-unlearned.safetensors")
    assert images.endswith("one-auxiliary.npz")
    words = ["unlearner=imported", f"unlearner.path={weights}"]
    again = run_job(composed(*overrides_in(tmp_path, *words)), tmp_path / "runs" / "again", sweep=False)
    assert (again["verdict"], again["scores"]) == (result["verdict"], result["scores"])


def test_all_models_of_a_run(run, tmp_path, capsys):
    assert main(["export", str(run[0]), "--out", str(tmp_path), "--model", "all"]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == [
        "one-original.safetensors",
        "one-unlearned.safetensors",
    ]


def test_what_cannot_be_is_one_line(run, tmp_path, capsys):
    assert main(["export", str(tmp_path)]) == 1
    assert "is no folder of a run" in capsys.readouterr().err
    assert main(["export", str(run[0]), "--model", "defended"]) == 1
    assert "this run has original, unlearned or all" in capsys.readouterr().err
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("[1, 2")
    assert main(["export", str(tmp_path)]) == 1
    assert "is no config of a run" in capsys.readouterr().err


def test_a_config_that_is_older_than_a_setting_has_its_default(run, tmp_path, capsys):
    path = run[0] / ".hydra" / "config.yaml"
    whole = path.read_text()
    older = OmegaConf.create(whole)
    del older["target"], older["finetuning"]
    try:
        path.write_text(OmegaConf.to_yaml(older))
        assert main(["export", str(run[0]), "--out", str(tmp_path)]) == 0
    finally:
        path.write_text(whole)
