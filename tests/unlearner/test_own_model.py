"""target=file: a stranger's model in a stranger's file is attacked like any other, resumed, and defended."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.jobs import composed, overrides_in, pipeline_in
from tests.sweep.direct import swept
from unlearnleak.cli.commands import main
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.pipeline.export import export_images, export_model
from unlearnleak.pipeline.job import run_job

CODE = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8, classes=4):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear({pixels}, width), nn.LayerNorm(width), nn.ReLU())
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        return self.fc(self.body(x))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of this project with its models exported, and the attacker's images."""
    folder = tmp_path_factory.mktemp("own")
    pipeline = pipeline_in(folder, "unlearner=rt")
    pipeline.artifact("verdict")
    for name in ("original", "unlearned"):
        pipeline.artifact(name)
        for suffix in ("safetensors", "pt2"):
            export_model(pipeline, name, folder / f"{name}.{suffix}")
    export_images(pipeline, folder / "aux.npz")
    return folder


def words(folder, file, *more):
    return [
        "target=file",
        f"target.path={folder / file}",
        "dataset=images",
        f"dataset.path={folder / 'aux.npz'}",
        *more,
    ]


def run(folder, name, file, *more):
    told = [word for word in overrides_in(folder, *words(folder, file, *more)) if not unknown(word)]
    return run_job(composed(*told), folder / "runs" / name, sweep=False)


def unknown(word):
    return word.startswith(("dataset.auxiliary_per_class", "unlearner.epochs", "unlearner.batch_size"))


@pytest.mark.parametrize("suffix", ["safetensors", "pt2"])
def test_an_exported_model_gets_the_verdict_of_its_own_run(folder, suffix):
    own = pipeline_in(folder, "unlearner=rt").artifact("verdict").tensors
    told = run(folder, suffix, f"unlearned.{suffix}", "forget_classes=[3]")
    assert told["verdict"] == own["forgotten_K"].nonzero()[:, 0].tolist()
    np.testing.assert_allclose(told["scores"], own["score_K"].tolist(), rtol=1e-3, atol=1e-3)
    assert told["forget_classes"] == [3]
    assert told["model"] == "own"


def test_without_a_truth_there_is_a_verdict_and_no_rate(folder):
    told = run(folder, "blind", "unlearned.pt2")
    assert told["exact_match"] is None
    assert len(told["scores"]) == 4


def test_the_model_before_is_seen_by_attacks_that_need_it(folder):
    with pytest.raises(Incompatible, match="sees the model before too"):
        run(folder, "lacking", "unlearned.pt2", "attack=head_change")
    told = run(folder, "both", "unlearned.pt2", f"target.original={folder / 'original.pt2'}", "attack=head_change")
    same = pipeline_in(folder, "unlearner=rt", "attack=head_change").artifact("verdict").tensors["score_K"]
    np.testing.assert_allclose(told["scores"], same.tolist(), rtol=1e-3, atol=1e-4)


def test_a_defence_can_be_tried_on_it(folder):
    bare = run(folder, "bare", "unlearned.pt2", "attack=head_sum")
    told = run(folder, "defended", "unlearned.pt2", "attack=head_sum", "defense=weight_noise", "defense.scale=3")
    assert told["defense"] == "weight_noise"
    assert told["scores"] != bare["scores"]


def test_a_sweep_of_it_with_defences_goes_on_after_an_end_and_is_a_table_and_a_page(folder, tmp_path, capsys):
    more = ["forget_classes=[3]", f"target.original={folder / 'original.pt2'}", "defense=none,prune,head_repair"]
    place = [f"store={tmp_path / 'store'}", f"runs={tmp_path / 'runs'}", "sweep_name=mine", "logger=none"]
    told = [*words(folder, "unlearned.pt2", *more), *place, "runtime.device=cpu", "runtime.threads=1"]
    told.append("attack=head_sum,aux_confidence,head_change")
    runs = tmp_path / "runs" / "mine"
    begun = []

    def ends(place):
        begun.append(place)
        if len(list(runs.glob("*/result.json"))) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swept(told, act=ends)
    there = {path.parent for path in runs.glob("*/result.json")}
    assert len(there) == 4
    again = {place for wave in swept(told).launched for place in wave}
    assert not again & there
    assert not {place for place in again if ".stages" in place.parts}
    assert len(list(runs.glob("*/result.json"))) == 9
    assert swept(told).launched == []
    capsys.readouterr()
    assert main(["table", str(runs)]) == 0
    shown = capsys.readouterr().out
    assert "9 runs in" in shown
    assert all(name in shown for name in ("imported + prune", "imported + head_repair", "aux: head_change"))
    assert main(["report", str(runs), "--out", str(tmp_path / "page")]) == 0
    assert "imported + prune" in (tmp_path / "page" / "index.html").read_text()


def test_weights_with_code_of_ones_own(folder, tmp_path):
    shape = pipeline_in(folder).facts.image_shape
    (tmp_path / "mynet.py").write_text(CODE.format(pixels=int(np.prod(shape))))
    space = {}
    exec((tmp_path / "mynet.py").read_text(), space)
    torch.save(space["Net"](width=16).state_dict(), tmp_path / "w.pt")
    net = [f"target.model={tmp_path / 'mynet.py'}:Net", "target.model_args={width: 16}"]
    told = run(folder, "code", tmp_path / "w.pt", *net, "attack=head_sum")
    assert told["model"] == "Net"
    (tmp_path / "mynet.py").write_text(CODE.format(pixels=int(np.prod(shape))) + "\n# another\n")
    again = run(folder, "code2", tmp_path / "w.pt", *net, "attack=head_sum")
    assert again["key_imported"] != told["key_imported"]


def test_the_key_holds_content_and_no_place(folder, tmp_path):
    (tmp_path / "moved.pt2").write_bytes((folder / "unlearned.pt2").read_bytes())
    first, moved = (run(folder, f"k{n}", file) for n, file in enumerate(("unlearned.pt2", tmp_path / "moved.pt2")))
    assert first["key_imported"] == moved["key_imported"]
    other = run(folder, "k2", "unlearned.pt2", "target.mean=[0.5]", "target.std=[0.5]")
    assert other["key_imported"] != first["key_imported"]


def test_what_does_not_fit_is_one_clear_line(folder, tmp_path):
    with pytest.raises(UserError, match=r"target=file needs a file: target\.path=FILE"):
        run_job(composed("target=file", f"dataset.path={folder / 'aux.npz'}"), tmp_path / "none", sweep=False)
    save_file(nn.Linear(3, 4).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="holds weights alone"):
        run(folder, "weights", tmp_path / "w.safetensors")
    shape = pipeline_in(folder).facts.image_shape
    other = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 4))
    torch.export.save(torch.export.export(other, (torch.zeros(2, *shape),)), tmp_path / "other.pt2")
    with pytest.raises(UserError, match=r"target\.original=.*is of another architecture"):
        run(folder, "odd", "unlearned.pt2", f"target.original={tmp_path / 'other.pt2'}", "attack=head_change")
    headed = composed(*overrides_in(folder, "unlearner=imported", "unlearner.path=x", "unlearner.head=fc"))
    with pytest.raises(UserError, match=r"unlearner\.head=fc is for files that bring their own model"):
        run_job(headed, tmp_path / "head", sweep=False)
