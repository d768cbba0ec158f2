"""What every component keeps: found by its conf file, so that a new one is covered at once."""

import importlib
import inspect
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import torch
import yaml
from safetensors.torch import save_file

from tests.jobs import SMALL, composed, pipeline_in, small
from tests.screening.samples import made
from unlearnleak.adversary.access import BlackBox, LabelOnly, WhiteBox
from unlearnleak.adversary.evidence import (
    Calibrated,
    ClassEvidence,
    Differences,
    Evidence,
    LabeledFeatures,
    Predictions,
    Reconstructions,
)
from unlearnleak.adversary.threat import Access
from unlearnleak.adversary.view import Pretrained, Shadow, View, Withheld, view_of
from unlearnleak.attack.base import Attack
from unlearnleak.config.build import construct, locate, parameters, settings_of, target_of
from unlearnleak.config.schema import SHAPE
from unlearnleak.data import LabeledImages
from unlearnleak.dataset.base import Dataset
from unlearnleak.defense.base import Defense
from unlearnleak.errors import Incompatible
from unlearnleak.evaluation.base import Evaluation
from unlearnleak.logger.base import RunLogger
from unlearnleak.model.base import Classifier
from unlearnleak.pipeline.evaluate import PROTOCOLS, accuracies
from unlearnleak.pipeline.plan import fits, make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.report.tables.evaluated import SHOWN
from unlearnleak.screening.base import Screening
from unlearnleak.store.key import canonical
from unlearnleak.unlearner.base import Unlearner

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"
BASES = {
    "dataset": Dataset,
    "model": Classifier,
    "unlearner": Unlearner,
    "defense": Defense,
    "attack": Attack,
    "screening": Screening,
    "evaluation": Evaluation,
    "logger": RunLogger,
}
COMPONENTS = sorted((group, file.stem) for group in BASES for file in CONF.joinpath(group).glob("*.yaml"))
NAMES = {group: [name for g, name in COMPONENTS if g == group] for group in BASES}
each_component = pytest.mark.parametrize(("group", "name"), COMPONENTS, ids=str)
SETTING = re.compile(r"^([A-Za-z]\w*):(.*)$")


def component(group: str, name: str) -> type:
    return locate(yaml.safe_load((CONF / group / f"{name}.yaml").read_text())["_target_"], BASES[group], group)


def test_every_group_has_components():
    assert all(NAMES.values())


@each_component
def test_a_components_file_code_and_test_share_a_name(group, name):
    cls = component(group, name)
    assert cls.__module__ == f"unlearnleak.{group}.{name}"
    assert (ROOT / "tests" / group / f"test_{name}.py").is_file()
    assert inspect.getdoc(cls)
    assert cls.__doc__ is not None, "a docstring of its own"
    assert importlib.import_module(cls.__module__).__doc__


@each_component
def test_a_component_has_a_version_of_its_own_or_its_family(group, name):
    if group != "logger":  # no key sees it
        assert isinstance(component(group, name).version, int)


@each_component
def test_the_file_holds_the_constructors_settings_and_no_others(group, name):
    content = yaml.safe_load((CONF / group / f"{name}.yaml").read_text())
    given = SHAPE if group == "model" else ()
    assert set(content) - {"_target_", "defaults"} == set(parameters(component(group, name))) - set(given)


@each_component
def test_constructors_take_keywords_only(group, name):
    for parameter in inspect.signature(component(group, name)).parameters.values():
        assert parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)


def settings_lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if SETTING.match(line) and not line.startswith("defaults")]


FILES = [CONF / group / f"{name}.yaml" for group, name in COMPONENTS]
RECIPES = sorted(CONF.joinpath("recipe").glob("*.yaml"))
RUNTIMES = sorted(CONF.joinpath("runtime").glob("*.yaml"))


@pytest.mark.parametrize("file", [*FILES, *RECIPES, *RUNTIMES], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_value_says_whose_it_is(file):
    assert file.read_text().startswith("# "), "a line that says what this is"
    for line in settings_lines(file):
        if not line.startswith("_target_"):
            assert re.search(r"# (paper|reference|ours)\b", line), line


@pytest.mark.parametrize("section", ["training", "gate"])
def test_every_value_of_the_main_file_says_whose_it_is(section):
    lines = (CONF / "config.yaml").read_text().split(f"\n{section}:\n")[1].splitlines()
    values = [line for line in lines[: [*map(bool, lines), False].index(False)] if SETTING.match(line.strip())]
    assert values
    for line in values:
        assert re.search(r"# (paper|reference|ours)\b", line), line


@pytest.mark.parametrize("file", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_belongs_to_a_model_on_a_data_set_and_sets_what_is_there(file):
    pairs = {(dataset, model) for dataset in NAMES["dataset"] for model in NAMES["model"]}
    named = {f"{dataset}_{model}": (dataset, model, None) for dataset, model in pairs}
    named |= {
        f"{dataset}_{model}_{name}": (dataset, model, name) for dataset, model in pairs for name in NAMES["unlearner"]
    }
    assert file.stem in named, "named <dataset>_<model> or <dataset>_<model>_<unlearner>"
    dataset, model, unlearner = named[file.stem]
    recipe = yaml.safe_load(file.read_text())
    config = composed(f"dataset={dataset}", f"model={model}", *([f"unlearner={unlearner}"] if unlearner else []))
    node = config.unlearner if unlearner else config.training
    own = CONF / (f"unlearner/{unlearner}.yaml" if unlearner else "config.yaml")
    base = yaml.safe_load(own.read_text())
    assert set(recipe) <= set(base if unlearner else base["training"])
    assert {key: node[key] for key in recipe} == recipe  # and it takes effect


@pytest.mark.parametrize("attack", NAMES["attack"])
def test_an_attacks_own_screening_can_read_it(attack):
    plan = make_plan(composed(*small(f"attack={attack}")))
    assert issubclass(plan.attack.evidence, plan.screening.accepts)


@pytest.mark.parametrize("screening", NAMES["screening"])
@pytest.mark.parametrize("attack", NAMES["attack"])
def test_a_pair_fits_or_is_refused(attack, screening):
    config = composed(*small(f"attack={attack}", f"screening={screening}"))
    if fits(component("attack", attack), component("screening", screening)):
        assert make_plan(config).names["screening"] == screening
    else:
        with pytest.raises(Incompatible, match=f"attack={attack}"):
            make_plan(config)


# Unlearners: the real settings for digits, on a third of them

FEWER_SAMPLES = {"scrub": ("unlearner.max_epochs=8",)}
"""Where settings count epochs of the forget set, a third of it takes more of them."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("contract")


@pytest.mark.parametrize("name", NAMES["unlearner"])
def test_an_unlearner_forgets_the_class_and_keeps_the_others(store, name):
    words = ["dataset=digits", "dataset.train_limit=400", "training.epochs=10", f"store={store}", "attack=head_sum"]

    def of(*unlearner: str) -> Pipeline:
        return Pipeline(make_plan(composed(*words, *unlearner, "runtime.device=cpu")))

    if component("unlearner", name).start == "file":  # others' models, here those of retraining
        files = {role: store / f"{role}.safetensors" for role in ("original", "unlearned")}
        for role, file in files.items():
            save_file(of("unlearner=rt").model(role).state_dict(), file)
        places = (f"unlearner.path={files['unlearned']}", f"unlearner.original={files['original']}")
        pipeline = of(f"unlearner={name}", *places)
    else:
        pipeline = of(f"unlearner={name}", *FEWER_SAMPLES.get(name, ()))
    before, after = (
        accuracies(model, (3,)) for model in (pipeline.artifact("original"), pipeline.artifact(pipeline.after))
    )
    assert before["forget_acc"] > 0.8
    if pipeline.plan.unlearner.forgets:
        assert after["forget_acc"] < before["forget_acc"] - 0.6
        assert after["retain_acc"] > before["retain_acc"] - 0.25
    elif name == "none":
        assert after == before
    else:  # another model that forgot nothing, whatever is asked for
        assert pipeline.forget_classes == ()
        assert pipeline.requested_classes
        assert after["retain_acc"] > 1.5 / 10


# Defences: on an unlearned model of four classes


@pytest.mark.parametrize("name", NAMES["defense"])
def test_a_defense_gives_a_model_for_the_same_classes_and_the_same_one_under_a_seed(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp() / "defended"
    folder.mkdir(exist_ok=True)
    pipeline = pipeline_in(folder, "attack=head_sum", f"defense={name}")
    before = pipeline.model("unlearned")

    def defended(seed: int) -> Classifier:
        torch.rand(7)  # what others draw does not matter
        generator = torch.Generator().manual_seed(seed)
        return pipeline.plan.defense(pipeline.model("unlearned"), pipeline.split, generator)

    first, again = defended(0), defended(0)
    assert (first.num_classes, first.image_shape) == (before.num_classes, before.image_shape)
    for key, value in before.state_dict().items():
        assert first.state_dict()[key].shape == value.shape, key
        assert first.state_dict()[key].isfinite().all(), key
        assert torch.equal(first.state_dict()[key], again.state_dict()[key]), key
    assert ("defended" in pipeline.stages) == pipeline.plan.defense.active


# Evaluations: on an unlearned model of four classes


@pytest.mark.parametrize("name", NAMES["evaluation"])
def test_an_evaluation_gives_numbers_that_a_result_can_hold_the_same_ones_each_time(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp() / "evaluated"
    folder.mkdir(exist_ok=True)
    words = ("attack=head_sum", "unlearner=ft", f"evaluation={name}")
    pipeline = pipeline_in(folder, *words)
    assert ("evaluation" in pipeline.stages) == pipeline.plan.evaluation.active
    if pipeline.plan.evaluation.active:
        found = pipeline.artifact("evaluation").meta["found"]
        assert set(SHOWN.get(name, {}).values()) <= {*found, "seconds"}, "what tables show is measured"
        assert found
        assert "evaluation" in canonical({"evaluation": found}).decode()  # finite numbers, lists and texts alone
        again = pipeline_in(folder, *words, f"store={folder / 'another'}")
        assert again.artifact("evaluation").meta["found"] == found


# Attacks: on a small model of four classes


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """Return a function that runs an attack on the same model with a generator of this seed."""
    folder = tmp_path_factory.mktemp("attacked")

    def run(name: str, seed: int) -> tuple[Evidence, View, Attack]:
        pipeline = pipeline_in(folder, f"attack={name}")
        attack = pipeline.plan.attack
        models = {
            "target": pipeline.model("unlearned"),
            "original": pipeline.model("original"),
        }
        made = [(pipeline.model("original"), ()), (pipeline.model("unlearned"), pipeline.forget_classes)] * 4
        first = (pipeline.model("pretrained"), 40, 30) if "pretrained" in pipeline.stages else None
        auxiliary = pipeline.plan.splits.auxiliary
        view = view_of(attack.threat, **models, auxiliary=auxiliary, shadows=made, pretrained=first)
        return attack(view, torch.Generator().manual_seed(seed)), view, attack

    return run


def tensors(evidence: Evidence) -> dict[str, torch.Tensor]:
    found = {name: value for name, value in vars(evidence).items() if isinstance(value, torch.Tensor)}
    return found | (evidence.calibration._asdict() if isinstance(evidence, Calibrated) else {})


OPENED = {Access.NONE: Withheld, Access.LABEL: LabelOnly, Access.BLACK: BlackBox, Access.WHITE: WhiteBox}


@pytest.mark.parametrize("name", NAMES["attack"])
def test_an_attack_reaches_what_its_threat_model_says(name):
    """What mypy is told of the view, against what the view is opened by."""
    cls = component("attack", name)
    threat = cls.threat
    hint = get_type_hints(cls.__call__)["view"]
    if hint.__parameters__:  # written once for several kinds of access
        hint = hint[get_args(cls.__orig_bases__[0])]
    reached = get_args(hint)
    reached += (Withheld,) * (5 - len(reached))
    granted = (
        OPENED[threat.target],
        OPENED[threat.original],
        LabeledImages if threat.auxiliary else Withheld,
        tuple[Shadow[OPENED[threat.target]], ...] if threat.shadow_models else Withheld,
        Withheld if threat.pretrained is Access.NONE else Pretrained[OPENED[threat.pretrained]],
    )
    assert reached == granted


@pytest.mark.parametrize("name", NAMES["attack"])
def test_an_attack_gives_evidence_about_every_class_or_images(attacked, name):
    evidence, view, attack = attacked(name, 0)
    assert type(evidence) is attack.evidence
    assert evidence.queries == view.queries
    assert all(tensor.isfinite().all() for tensor in tensors(evidence).values())
    if isinstance(evidence, Reconstructions):  # which judge no class
        assert evidence.images_NCHW.shape == (20, 1, 12, 12)
        assert evidence.images_NCHW.min() >= 0
        assert evidence.images_NCHW.max() <= 1
        assert evidence.labels_N.shape == (20,)
        assert evidence.labels_N.dtype == torch.int64
        return
    K, M, F = evidence.samples_KMF.shape
    assert K == 4
    assert M >= 1
    width = {"dot_product": 1, "score": 1, "margin": 1, "confidence": 1, "prediction": 4, "difference": 4 * 84 + 4}
    width["readings"] = 4 if attack.threat.target is Access.BLACK else 8
    assert width[evidence.kind] == F
    if isinstance(evidence, Calibrated):
        S = len(evidence.calibration.forgotten_SK)
        assert evidence.calibration.forgotten_SK.shape == (S, 4)
        assert evidence.calibration.features_SKMF.shape[1:] == evidence.aligned_KMF.shape
        assert evidence.aligned_KMF.shape[:2] == (K, M)
    if isinstance(evidence, Predictions):
        assert evidence.images_KCHW.shape == (4, 1, 12, 12)
        assert evidence.images_KCHW.min() >= 0
        assert evidence.images_KCHW.max() <= 1
    if attack.threat.target is not Access.WHITE:
        assert evidence.queries > 0
    else:
        assert evidence.queries == 0


@pytest.mark.parametrize("name", NAMES["attack"])
def test_an_attack_is_the_same_under_a_seed_whatever_others_draw(attacked, name):
    first = tensors(attacked(name, 3)[0])
    torch.rand(5)
    second = tensors(attacked(name, 3)[0])
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
    before = torch.get_rng_state()
    attacked(name, 3)
    assert torch.equal(before, torch.get_rng_state())


# Screenings: random evidence of each kind that they read


def random_evidence(kind: type[ClassEvidence], seed: int) -> ClassEvidence:
    draw = torch.Generator().manual_seed(seed)
    K, M, S = 6, 7, 9
    F = K if issubclass(kind, Predictions) else 12 if issubclass(kind, Differences) else 1
    samples = torch.randn(K, M, F, generator=draw)
    if issubclass(kind, Predictions):
        samples = samples.log_softmax(2)
    forgotten_SK = torch.rand(S, K, generator=draw) < 0.3
    forgotten_SK[0], forgotten_SK[1, 0] = False, True
    features = torch.randn(S, K, M, F, generator=draw) - 2 * forgotten_SK[..., None, None].float()
    return made(kind, samples, calibration=LabeledFeatures(features, forgotten_SK))


@pytest.mark.parametrize("name", [name for name in NAMES["screening"] if component("screening", name).judges])
def test_a_screening_judges_every_class_by_the_evidence_alone(name):
    cls = component("screening", name)
    assert all(issubclass(kind, ClassEvidence) for kind in cls.accepts)
    for kind in cls.accepts:
        for seed in range(3):
            node = composed(f"screening={name}").screening
            screening = construct(locate(target_of(node), Screening, "screening"), settings_of(node, "screening"), name)
            evidence = random_evidence(kind, seed)
            copies = {key: value.clone() for key, value in tensors(evidence).items()}
            verdict, again = screening(evidence), screening(evidence)
            assert verdict.forgotten_K.shape == verdict.score_K.shape == (6,)
            assert verdict.forgotten_K.dtype == torch.bool
            assert verdict.score_K.is_floating_point()
            assert verdict.score_K.isfinite().all()
            assert torch.equal(verdict.forgotten_K, again.forgotten_K)
            assert torch.equal(verdict.score_K, again.score_K)
            assert all(torch.equal(value, tensors(evidence)[key]) for key, value in copies.items())
            order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
            if not issubclass(kind, Predictions):  # there a class is its vector's entry too
                names = {"samples_KMF", "aligned_KMF"} & {field.name for field in fields(kind)}
                shuffled = screening(replace(evidence, **{name: getattr(evidence, name)[order] for name in names}))
                assert torch.equal(shuffled.forgotten_K, verdict.forgotten_K[order])


@pytest.mark.parametrize("name", NAMES["screening"])
def test_a_screening_accepts_no_more_than_its_call_reads(name):
    cls = component("screening", name)
    read = get_type_hints(cls.__call__)["evidence"]
    assert all(issubclass(kind, get_args(read) or read) for kind in cls.accepts)


@pytest.mark.parametrize("name", NAMES["screening"])
def test_a_published_protocol_is_there(name):
    published = component("screening", name).published
    assert published is None or published in PROTOCOLS


def test_what_makes_a_job_small_is_a_setting_of_something():
    """So that a setting that was renamed does not quietly make every test slow."""
    for group, settings in SMALL.items():
        known = {key for path in CONF.glob(f"{group}/*.yaml") for key in yaml.safe_load(path.read_text())} or set(
            composed()[group]
        )
        assert set(settings) <= known, group
