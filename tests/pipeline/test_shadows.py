"""Shadow models: ordinary stages of other seeds, planned and shared like all others."""

import pytest
import torch

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Scores
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.attack.head_sum import HeadSum
from unlearnleak.pipeline.job import run_job
from unlearnleak.sweep.grid import planned
from unlearnleak.sweep.waves import make_waves

WORDS = ("unlearner=ft", "attack=head_sum", "training.epochs=8")


@pytest.fixture
def shadowing(monkeypatch):
    """head_sum as an attack that makes five shadow models; returns what each call was shown of them."""
    shown = []

    def attack(self, view, generator):
        shown.append([(type(each.model), each.forgotten, each.model.head()[0]) for each in view.shadows])
        return Scores(samples_KMF=view.target.head()[0].sum(1)[:, None, None].cpu())

    monkeypatch.setattr(HeadSum, "threat", ThreatModel(target=Access.WHITE, shadow_models=5))
    monkeypatch.setattr(HeadSum, "__call__", attack)
    return shown


def test_an_attack_is_shown_models_of_its_own_and_what_they_forgot(tmp_path, shadowing):
    pipeline = pipeline_in(tmp_path, *WORDS)
    pipeline.artifact("verdict")
    (shadows,) = shadowing
    assert [kind for kind, _, _ in shadows] == [WhiteBox] * 5
    assert [len(forgotten) for _, forgotten, _ in shadows] == [0, 0, 1, 2, 1]  # up to half of four classes
    weights = [weight for _, _, weight in shadows]
    assert len({tuple(weight.flatten().tolist()) for weight in weights}) == 5
    roles = pipeline.stages["evidence"].parents
    assert set(roles) == {"unlearned", *(f"shadow_{number}" for number in range(5))}
    assert [roles[f"shadow_{number}"].name for number in range(5)] == ["original"] * 2 + ["unlearned"] * 3
    held = pipeline.engine.artifact(roles["shadow_3"]).tensors["model.head.weight"]
    assert torch.equal(held, weights[3])


def test_what_the_attacker_makes_does_not_hang_on_the_truth(tmp_path, shadowing):
    one, other = (pipeline_in(tmp_path, *WORDS, f"forget_classes=[{c}]") for c in (0, 2))
    for number in range(5):
        role = f"shadow_{number}"
        assert one.stages["evidence"].parents[role].key == other.stages["evidence"].parents[role].key
    assert one.key("evidence") != other.key("evidence")


def test_a_shadow_model_is_the_run_of_its_seed_and_classes(tmp_path, shadowing):
    pipeline = pipeline_in(tmp_path, *WORDS)
    shadow = pipeline.stages["evidence"].parents["shadow_2"]
    (forgotten,) = pipeline.shadow_set(2).classes
    seed = shadow.payload["seed"]
    run = pipeline_in(
        tmp_path, *WORDS, f"seeds.original={seed}", f"seeds.unlearning={seed}", f"forget_classes=[{forgotten}]"
    )
    assert run.key("unlearned") == shadow.key


def test_a_sweep_plans_and_shares_them_and_each_can_be_run_alone(tmp_path, shadowing):
    def job(*words):
        config = composed(*overrides_in(tmp_path, *WORDS, *words))
        name = "-".join(words).replace("=", "") or "usual"
        return planned(config, [*words], tmp_path / "runs" / "sweep" / name)

    jobs = [job(), job("forget_classes=[0]")]
    waves = {wave.name: wave for wave in make_waves(jobs, tmp_path / "runs" / "sweep")}
    assert {name: len(wave.tasks) for name, wave in waves.items()} == {
        "originals": 1 + 5,
        "unlearned": 2 + 3,
        "evidence": 2,
        "verdicts": 2,
    }
    words = [task.overrides[-1] for task in waves["unlearned"].tasks]
    shadow = next(word for word in words if "/" in word)
    task = next(task for task in waves["unlearned"].tasks if task.overrides[-1] == shadow)
    result = run_job(composed(*overrides_in(tmp_path, *WORDS, shadow)), tmp_path / "runs" / "one", sweep=False)
    assert (result["stage"], result["key"]) == task.gives
    assert task.store.contains(*task.gives[:1], task.payload)
    again = {wave.name: wave for wave in make_waves(jobs, tmp_path / "runs" / "sweep")}
    assert (len(again["unlearned"].tasks), again["unlearned"].stored) == (4, 1)
