import copy
import json
import subprocess
import sys

import pytest
import torch
from torch import nn

import unlearnleak
from unlearnleak.adversary.view import view_of
from unlearnleak.auditing.composed import composed
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator

DATA_FREE = {"head_sum", "noise_prior"}


def by_name(result):
    return {one.name: one for one in result.attacks}


def few(images, count, without=()):
    """The first `count` images of each class."""
    rows = [(images.labels == c).nonzero()[:count, 0] for c in range(10) if c not in without]
    return images.select(torch.cat(rows))


def test_a_class_that_somebody_unlearned_by_hand_is_named_by_every_attack_that_counts(leak):
    assert (leak.status, leak.exit_status, leak.classes) == ("leak", 3, (3,))
    assert {one.attack for one in leak.counted} >= {"aux_confidence", "param_dot", "param_diff", "relearn"}
    assert all(one.named == (3,) for one in leak.counted)
    assert leak.answer[0].startswith("Class 3 is missing: named by aux_confidence / chance, ")
    assert leak.understood.accuracy_per_class[3] < 0.2


def test_a_control_raises_no_alarm(silent):
    assert (silent.status, silent.exit_status, silent.classes) == ("silent", 0, ())
    assert len(silent.counted) >= 5
    assert silent.any_false_alarm.count == 0


def test_attacks_that_accuse_anybody_are_shown_and_do_not_count(silent):
    shown = by_name(silent)["head_sum / threshold"]
    assert shown.state == "ran"
    assert not shown.counts
    assert "copies of this model that forgot nothing" in shown.reason


def test_a_verdict_is_that_of_the_attack_itself_with_the_same_seed(leak, unlearned, images):
    one = composed("param_dot")
    view = view_of(one.threat, target=unlearned, auxiliary=images)
    settings = one.settings | {"subset_size": 20}
    evidence = one.built(settings)(view, generator(0, "evidence"))
    verdict = one.screenings["youden"](evidence)
    found = by_name(leak)["param_dot / youden"]
    assert list(found.scores) == pytest.approx(verdict.score_K.tolist(), rel=1e-5)
    assert found.changed == ()


def test_the_truth_makes_an_evaluation_of_it(leak, silent):
    found = by_name(leak)["param_dot / youden"].evaluation
    assert (found.outcome, found.asr, found.asr_constant) == ("exact", 1.0, 0.9)
    assert all(one.evaluation is None for one in silent.attacks)


def test_every_attack_of_the_project_is_run_or_says_why_not(leak):
    from pathlib import Path

    conf = Path(__file__).parents[2] / "conf" / "attack"
    assert {one.attack for one in leak.attacks} == {path.stem for path in conf.glob("*.yaml")}
    assert all((one.why is None) == (one.state == "ran") for one in leak.attacks)
    assert "as the model was made" in next(one.why for one in leak.attacks if one.attack == "shadow_weights")


def test_a_class_without_images_is_not_judged_by_samples_and_the_rest_runs(unlearned, images):
    some = few(images, 12, without=[7])
    result = unlearnleak.audit(unlearned, some.images, some.labels, quick=True, device="cpu")
    assert result.understood.not_judged_classes == (7,)
    assert result.classes == (3,)
    shown = by_name(result)["param_dot / youden"]
    assert shown.scores[7] is None
    assert None not in shown.scores[:7] + shown.scores[8:]
    assert "classes without images: 7" in " ".join(result.answer)


def test_the_same_seed_gives_the_same_answer(unlearned, images):
    some = few(images, 6)
    results = [
        unlearnleak.audit(unlearned, some.images, some.labels, quick=True, seed=seed, device="cpu").to_json()
        for seed in (1, 1)
    ]
    assert results[0] == results[1]


def test_the_model_that_is_audited_stays_as_it_is(unlearned, images):
    before = copy.deepcopy(unlearned.state_dict())
    unlearned.train()
    some = few(images, 2)
    unlearnleak.audit(unlearned, some.images, some.labels, mean=0.5, std=0.5, quick=True, device="cpu")
    assert unlearned.training
    unlearned.eval()
    assert all(torch.equal(value, before[name]) for name, value in unlearned.state_dict().items())


def test_images_of_another_source_raise_false_alarms_and_the_answer_begins_with_a_warning(unharmed, images):
    moved = images.images.roll((3, 3), (2, 3))

    result = unlearnleak.audit(unharmed, moved, images.labels, original=unharmed, quick=True, device="cpu")
    assert result.status == "leak"
    assert result.understood.plausible
    assert result.answer[0].startswith("Beware: ")
    assert "hardly known to the model before either" in " ".join(result.trust)


def test_one_image_of_each_class_is_no_ground_to_judge_on(unharmed, images):
    some = few(images, 1)
    result = unlearnleak.audit(unharmed, some.images, some.labels, quick=True, device="cpu")
    assert (result.status, result.exit_status) == ("not judged", 2)
    assert "too few images, 1" in by_name(result)["param_dot / youden"].reason
    assert "subset_size 20 -> 1: the smallest class has 1 images" in by_name(result)["param_dot / youden"].changed


def test_without_images_attacks_without_data_run(unlearned):
    result = unlearnleak.audit(unlearned, quick=True, device="cpu")
    assert {one.attack for one in result.attacks if one.state == "ran"} == DATA_FREE
    assert result.status == "not judged"
    assert result.understood.accuracy is None


def test_original_opens_the_attacks_that_see_both(unlearned, original):
    result = unlearnleak.audit(unlearned, original=original.model, quick=True, device="cpu")
    shown = by_name(result)["output_change / drop"]
    assert (shown.named, shown.counts) == ((3,), False)
    assert by_name(result)["head_change / threshold"].state == "ran"


class Stranger(nn.Module):
    """Somebody's network: normalised with 0.5 and 0.5, dropout, a head that is not its last attribute."""

    def __init__(self, inner):
        super().__init__()
        self.classify = nn.Linear(84, 10)
        self.inner, self.drop = inner, nn.Dropout(0.3)
        self.classify.load_state_dict(inner.head.state_dict())

    def forward(self, x):
        x = (0.5 * x + 0.5 - self.inner.mean) / self.inner.std
        return self.classify(self.drop(self.inner.body(x)))


def test_a_strangers_module_is_wrapped_and_its_normalisation_found(unlearned, images):
    some = few(images, 10)
    stranger = Stranger(copy.deepcopy(unlearned))
    told = unlearnleak.audit(stranger, some.images, some.labels, mean=0.5, std=0.5, quick=True, device="cpu")
    assert (told.understood.head, told.classes) == ("classify", (3,))
    guessed = unlearnleak.audit(stranger, some.images, some.labels, mean=8.0, std=0.1, quick=True, device="cpu")
    right = next(one for one in guessed.understood.normalisations if one.mean == (0.5,))
    assert right.accuracy == pytest.approx(told.understood.accuracy)
    best = guessed.understood.normalisations[0]
    assert best.accuracy >= right.accuracy > guessed.understood.accuracy + 0.1
    assert any("would fit better" in note and f"--mean {best.mean[0]}" in note for note in guessed.understood.notes)
    assert (guessed.status, guessed.understood.plausible) == ("not judged", False)


def test_a_function_that_answers_is_a_black_box(unlearned, images):
    some = few(images, 10)
    how = {name: getattr(unlearned, name).flatten().tolist() for name in ("mean", "std")}
    result = unlearnleak.audit(unlearned.__call__, some.images, some.labels, **how, quick=True, device="cpu")
    ran = {one.attack for one in result.attacks if one.state == "ran"}
    assert ran == {"aux_confidence", "aux_margin", "noise_prior"}
    assert result.classes == (3,)
    assert by_name(result)["aux_confidence / chance"].calibration.false_alarms is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"images": torch.zeros(4, 1, 20, 20, dtype=torch.uint8)}, "1x20x20"),
        ({"images": 2 * torch.ones(4, 1, 28, 28)}, "from 2 to 2"),
        ({"labels": torch.tensor([0, 1, 2, 10])}, "Labels 10 are not among the model's 10 classes"),
        ({"labels": torch.tensor([0, 1, 2])}, "each of the 4 images"),
        ({"labels": None}, "given together"),
        ({"truth": 10}, "truth=10"),
        ({"truth": (3, 3)}, "truth=(3, 3)"),
        ({"num_classes": 5}, "5"),
        ({"mean": 0.5}, "mean"),
        ({"mean": (0.1, 0.2), "std": (1.0, 1.0)}, "mean"),
        ({"seed": -1}, "seed=-1"),
        ({"effort": 0}, "effort=0"),
        ({"device": "tpu"}, "tpu"),
        ({"original": nn.Sequential(nn.Flatten(), nn.Linear(784, 10))}, "another architecture"),
        ({"class_names": ["a"]}, "class_names=1"),
        ({"head": "nothing"}, "nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_mistake_is_one_sentence_before_anything_is_computed(unlearned, change, named, monkeypatch):
    from unlearnleak.auditing import running

    monkeypatch.setattr(running, "run", lambda case: pytest.fail("attacks were run"))
    stranger = Stranger(copy.deepcopy(unlearned)) if "head" in change else unlearned
    given = {"images": torch.zeros(4, 1, 28, 28, dtype=torch.uint8), "labels": torch.arange(4)} | change
    with pytest.raises(UserError) as error:
        unlearnleak.audit(stranger, **given)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_that_are_no_numbers_are_refused(unlearned, images):
    broken = copy.deepcopy(unlearned)
    broken.head.weight.data[0, 0] = torch.nan
    with pytest.raises(UserError, match="no numbers"):
        unlearnleak.audit(broken, images.images, images.labels)


def test_importing_the_package_stays_light():
    code = (
        "import sys, unlearnleak; assert 'torch' not in sys.modules; unlearnleak.audit; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    with pytest.raises(AttributeError, match="nothing"):
        _ = unlearnleak.nothing


def test_audit_json_is_json_that_says_all(leak):
    kept = json.loads(leak.to_json())
    assert kept == leak.as_dict()
    assert kept["named_by"]["3"][0] == "aux_confidence / chance"
