import pytest
import torch
from omegaconf import OmegaConf, open_dict

from tests.jobs import composed, small
from unlearnleak.config.schema import Gate, Seeds
from unlearnleak.dataset.digits import Digits
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.unlearner.rt import Retrain


@pytest.fixture(autouse=True)
def no_data(monkeypatch):
    """A plan is made without a single image."""

    def load(self):
        raise AssertionError("a plan loads no data")

    monkeypatch.setattr(Digits, "load", load)


def test_a_plan_holds_what_the_config_says():
    plan = make_plan(composed("unlearner=ng", "unlearner.lr=0.125", "seed=5", "seeds.attack=7", "runtime.threads=2"))
    assert plan.names == {
        "dataset": "digits",
        "model": "lenet",
        "unlearner": "ng",
        "defense": "none",
        "attack": "param_dot",
        "screening": "youden",
    }
    assert plan.unlearner.settings.lr == 0.125
    assert plan.seeds == Seeds(data=5, forget=5, original=5, unlearning=5, attack=7)
    assert plan.gate == Gate(forget_acc=0.05, retain_loss=0.05)
    assert (plan.forget_classes, plan.runtime.threads, plan.training.epochs) == ([3], 2, 20)


def test_a_specification_holds_all_settings_and_no_place():
    spec = make_plan(composed("dataset=mnist", "dataset.root=somewhere", "dataset.path=mine.npz")).spec
    assert spec["dataset"] == {
        "target": "unlearnleak.dataset.mnist.Mnist",
        "version": 1,
        "settings": {"auxiliary_per_class": 100, "test_per_class": None, "train_limit": None},
    }
    assert set(spec["training"]) == set(composed().training) - {"precision", "optimizer", "augmentation"}
    assert spec["attack"]["settings"]["heads"] == 200


REFUSED = {
    "unknown key": (["+colour=red"], "Unknown setting: colour.*forget_classes"),
    "two unknown keys": (["+colour=red", "+size=3"], "Unknown setting: colour, size"),
    "missing key": (["~gate"], "Missing setting: gate"),
    "missing component": (["~attack"], "Missing setting: attack"),
    "group made a value": (["gate=null"], "gate=None"),
    "training made a value": (["training=3"], "training=3"),
    "unknown training setting": (["+training.lrr=1"], r"training\.lrr is unknown; allowed: epochs"),
    "training setting that is computed": (["+training.steps_per_epoch=9"], r"training\.steps_per_epoch is unknown"),
    "unknown model setting": (["+model.width=3"], r"model\.width is unknown; allowed: no settings"),
    "model setting that data decide": (["+model.num_classes=3"], r"model\.num_classes is unknown"),
    "unknown attack setting": (["+attack.headz=3"], r"attack\.headz is unknown; allowed: .*heads"),
    "negative epochs": (["training.epochs=-1"], "epochs=-1 must be 0 or more"),
    "several bad numbers": (["training.lr=0", "training.momentum=1"], "lr=0 .*momentum=1"),
    "text for a number": (["training.lr=fast"], r"training\.lr='fast'"),
    "not a number": (["training.lr=nan"], r"training\.lr=nan.*finite"),
    "threads": (["runtime.threads=many"], r"runtime\.threads='many'"),
    "runtime setting": (["+runtime.cores=2"], r"runtime\.cores is unknown; allowed: device, threads"),
    "fractional seed": (["seed=1.5"], r"seeds\.data=1\.5"),
    "negative seed": (["seeds.attack=-1"], r"seeds\.attack=-1: .* from 0 to 4294967295"),
    "large seed": (["seeds.forget=4294967296"], r"seeds\.forget=4294967296"),
    "unknown seed": (["+seeds.luck=1"], r"seeds\.luck is unknown"),
    "gate": (["gate.forget_acc=5"], r"gate\.forget_acc=5.*from 0 to 1"),
    "store": (["store=null"], "store=None"),
    "auxiliary data": (["dataset.auxiliary_per_class=3"], r"attack\.subset_size=20.*auxiliary_per_class=3"),
    "ledger and clipping": (["unlearner=au", "training.clip_norm=1"], r"clip_norm=1.*Set training\.clip_norm=null"),
    "precision": (["training.precision=fp16"], r"precision='fp16' must be one of fp32, bf16"),
    "optimizer": (["training.optimizer=lion"], r"optimizer='lion' must be one of sgd, adam, adamw"),
    "an unlearner's precision": (["+unlearner.precision=bf16"], r"unlearner\.precision"),
    "target": (["attack._target_=os.system"], r"attack\._target_='os\.system'"),
    "no target": (["attack._target_=null"], r"attack\._target_=None"),
}


@pytest.mark.parametrize(("overrides", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_work_is_refused_by_name(overrides, message):
    with pytest.raises(UserError, match=message):
        make_plan(composed(*overrides))


@pytest.mark.parametrize("device", ["cuda:77", "abacus"])
def test_a_device_is_looked_for_when_it_is_needed(device):
    plan = make_plan(composed(f"runtime.device={device}"))  # as on a login node, where a sweep is planned
    with pytest.raises(UserError, match=rf"runtime\.device={device} .*cpu.*auto"):
        _ = plan.device


def test_a_wrong_pair_is_refused_with_the_screenings_that_would_do():
    with pytest.raises(Incompatible, match=r"screening=entropy .*attack=param_dot") as refusal:
        make_plan(composed("attack=param_dot", "screening=entropy"))
    assert str(refusal.value).endswith("Screenings that can: kmeans, outlier, youden.")


@pytest.mark.parametrize(
    ("attack", "screening", "fits"),
    [
        ("param_dot", "youden", True),
        ("param_dot", "kmeans", True),
        ("param_dot", "decision_tree", False),
        ("param_diff", "decision_tree", True),
        ("param_diff", "youden", False),
        ("param_confidence", "youden", True),
        ("param_confidence", "kmeans", True),
        ("param_confidence", "chance", False),
        ("head_sum", "youden", False),
        ("head_sum", "kmeans", True),
        ("inversion_gradient", "entropy", True),
        ("inversion_genetic", "decision_tree", False),
    ],
)
def test_pairs(attack, screening, fits):
    config = composed(*small(f"attack={attack}", f"screening={screening}"))
    if fits:
        make_plan(config)
    else:
        with pytest.raises(Incompatible):
            make_plan(config)


def test_a_component_without_a_version_is_refused(monkeypatch):
    monkeypatch.delattr(Retrain, "version")
    with pytest.raises(UserError, match=r"unlearner.* has no `version`"):
        make_plan(composed())


def test_ledgers_are_kept_in_fp32_only():
    with pytest.raises(Incompatible, match=r"unlearner=au .*training\.precision=bf16.*Set training\.precision=fp32"):
        make_plan(composed("unlearner=au", "training.precision=bf16"))


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
@pytest.mark.parametrize("unlearner", ["au", "au_placebo"])
def test_ledgers_are_kept_of_sgd_only(unlearner, optimizer):
    why = rf"unlearner={unlearner} .*training\.optimizer={optimizer} .*Set training\.optimizer=sgd, or take another"
    with pytest.raises(Incompatible, match=why):
        make_plan(composed(f"unlearner={unlearner}", f"training.optimizer={optimizer}"))


def test_an_optimizer_is_part_of_a_model_s_key_unless_it_is_the_usual_one():
    tuned = ("attack=head_change", "finetuning.samples=24")
    spec = make_plan(composed(*tuned)).spec
    assert "optimizer" not in spec["training"]
    assert "optimizer" not in spec["finetuning"]
    spec = make_plan(composed(*tuned, "training.optimizer=adamw", "finetuning.optimizer=adam")).spec
    assert (spec["training"]["optimizer"], spec["finetuning"]["optimizer"]) == ("adamw", "adam")


def test_augmentation_is_part_of_a_model_s_key_unless_there_is_none():
    assert "augmentation" not in make_plan(composed()).spec["training"]
    assert make_plan(composed("training.augmentation=crop_flip")).spec["training"]["augmentation"] == "crop_flip"
    with pytest.raises(UserError, match=r"augmentation='mixup' must be one of none, crop_flip"):
        make_plan(composed("training.augmentation=mixup"))


def test_precision_is_part_of_a_model_s_key_unless_it_is_the_usual_one():
    assert "precision" not in make_plan(composed()).spec["training"]
    assert make_plan(composed("training.precision=bf16")).spec["training"]["precision"] == "bf16"


def test_clipping_is_allowed_where_no_ledger_is_kept():
    assert make_plan(composed("training.clip_norm=1.0")).training.clip_norm == 1.0


def test_a_broken_reference_is_named():
    config = composed()
    with open_dict(config):
        config.gate.forget_acc = "${nowhere.at.all}"
    with pytest.raises(UserError, match="gate cannot be resolved"):
        make_plan(config)


@pytest.mark.parametrize("value", [None, 3, 2.5, "draw:2", [1, 2]], ids=str)
def test_forget_classes_are_handed_on_as_they_are(value):
    config = composed()
    OmegaConf.update(config, "forget_classes", value, merge=False)
    assert make_plan(config).forget_classes == value


def test_the_device_is_a_torch_device():
    assert make_plan(composed("runtime.device=cpu")).device == torch.device("cpu")
