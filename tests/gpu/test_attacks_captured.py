"""Attacks whose steps are captured on a GPU: against the same launched kernel by kernel, and without a wait."""

import pytest
import torch

from tests.attack.test_captured import CAPTURED, auxiliary
from tests.attack.test_gradient_matching_exact import tuned
from tests.attack.victims import Linear, configured, retrained
from tests.gpu.test_components import ATTACKS, DRAWN, far_apart
from tests.jobs import images, pipeline_in, write_npz
from unlearnleak.adversary import heads, inversion, matching, probes, shadow
from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.evidence import Reconstructions
from unlearnleak.adversary.still import StillSearch
from unlearnleak.adversary.view import view_of
from unlearnleak.attack import inversion_genetic
from unlearnleak.attack.inversion_genetic import choose_parents
from unlearnleak.attack.output_change_zoo import Queries
from unlearnleak.machine import graphs
from unlearnleak.machine.graphs import allow_graphs
from unlearnleak.model.resnet18 import ResNet18
from unlearnleak.pipeline.engine import StageWork
from unlearnleak.pipeline.packing import unpack

pytestmark = pytest.mark.gpu
TOLERANCE = {"gradient_matching": 0.05, "gradient_matching_exact": 0.05}
"""Shares of the largest number, where rounding grows on the way."""
ALIKE = {"param_diff": "param_dot", "param_confidence": "param_dot", "gradient_matching_exact": "gradient_matching"}
"""Attacks that repeat the steps of another one. Whatever is in neither table has no loop that is captured."""


@pytest.fixture
def captured(monkeypatch):
    """Every step is worth a capture; the names of those that were captured, which the others are told apart from."""
    names, capture = [], graphs._captured

    def told(step, what, stream):
        again = capture(step, what, stream)
        names.append(what if again is not step else f"not captured: {what}")
        return again

    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(graphs, "WORTH", 1)
    monkeypatch.setattr(graphs, "_captured", told)
    yield names
    allow_graphs(True)


def collected(name, gpu, *, graphs_allowed, **changes):
    """Evidence of an attack on models that forgot a class and did not, both of which are on the GPU."""
    allow_graphs(graphs_allowed)
    attack = configured(name, **CAPTURED[name][0] | changes)
    models = {"target": retrained(3), "original": retrained()}
    try:
        on_gpu = {role: model.to(gpu) for role, model in models.items()}
        view = view_of(attack.threat, **on_gpu, auxiliary=auxiliary().to(gpu))
        return attack(view, torch.Generator().manual_seed(0))
    finally:
        for model in models.values():  # they are other tests' too
            model.cpu()


def numbers(evidence) -> torch.Tensor:
    """What is compared. Images that were sought by the signs of slopes differ where a last bit turns a sign."""
    if isinstance(evidence, Reconstructions):
        return torch.tensor(evidence.objective)
    return evidence.samples_KMF.cpu()


@pytest.mark.parametrize("name", CAPTURED)
def test_every_step_is_captured_and_finds_what_plain_ones_find(gpu, exact, captured, name):
    plain = collected(name, gpu, graphs_allowed=False)
    assert captured == []
    repeated = collected(name, gpu, graphs_allowed=True)
    assert captured == CAPTURED[name][1]
    assert plain.queries == repeated.queries
    assert numbers(repeated).isfinite().all()
    if name not in DRAWN:
        assert far_apart(numbers(plain), numbers(repeated)) < TOLERANCE.get(name, 1e-4)


@pytest.mark.parametrize("model", ["lenet", "resnet18"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_jobs_evidence_is_the_same_with_graphs_and_without(tmp_path, exact, captured, attack, model):
    write_npz(tmp_path / "images.npz", **images(side=32 if model == "resnet18" else 12))
    found = {}
    for allowed in (False, True):
        words = [f"attack={attack}", f"model={model}", "runtime.device=cuda"]
        if attack.startswith("gradient_matching") and model == "resnet18":
            words.append("attack.labels=[1]")
        pipeline = pipeline_in(tmp_path, *words)
        pipeline.artifact("data")
        allow_graphs(allowed)
        stage = pipeline.stages["evidence"]  # computed and not stored, so that it can be computed again
        contents = stage.compute(StageWork(pipeline.engine, stage))
        found[allowed] = numbers(unpack(contents, pipeline.plan.attack.evidence))
    expected = CAPTURED.get(ALIKE.get(attack, attack), ({}, []))[1]
    assert {what for what in captured if what != "a training step"} == set(expected)
    assert found[True].shape == found[False].shape
    if attack not in DRAWN:
        assert far_apart(found[False], found[True]) < TOLERANCE.get(attack, 1e-3)


class Watched:
    """Stands for progress bars: inside the loops behind them each question to the device is an error."""

    def __init__(self, items=(), **_):
        self.items = items

    def __iter__(self):
        items = iter(self.items)
        while True:
            try:
                item = next(items)  # which may bring draws to the device
            except StopIteration:
                return
            torch.cuda.set_sync_debug_mode("error")
            yield item
            torch.cuda.set_sync_debug_mode("default")

    def __enter__(self):
        torch.cuda.set_sync_debug_mode("error")
        return self

    def __exit__(self, *_):
        torch.cuda.set_sync_debug_mode("default")

    def update(self):
        assert torch.cuda.get_sync_debug_mode() == 2


@pytest.fixture
def watched(monkeypatch):
    """Loops that ask the device raise."""
    for module in (heads, shadow, inversion_genetic):
        monkeypatch.setattr(module, "progress", Watched)
    for module in (inversion, matching, probes):
        monkeypatch.setattr(module, "meter", Watched)
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", CAPTURED)
def test_no_loop_asks_the_device(gpu, watched, captured, name):
    few = {"steps": 6} if name == "output_change" else {}  # it asks every tenth step, as the test below allows it to
    collected(name, gpu, graphs_allowed=False, **few)


def test_the_search_for_probes_asks_every_tenth_step_and_nothing_else(gpu, watched, captured, monkeypatch):
    asked, ask = [], StillSearch.anyone_left

    def allowed(search):
        torch.cuda.set_sync_debug_mode("default")
        asked.append(ask(search))
        torch.cuda.set_sync_debug_mode("error")
        return True

    monkeypatch.setattr(StillSearch, "anyone_left", allowed)
    collected("output_change", gpu, graphs_allowed=False, steps=25, restarts=1)
    assert len(asked) == 2


def test_the_exact_matching_asks_nothing(gpu, watched, captured):
    first = Linear(image_shape=(1, 8, 8), scale=0.05)
    images_NCHW, labels_N = torch.rand(10, 1, 8, 8, generator=torch.Generator().manual_seed(5)), torch.arange(10) % 5
    before, after = (tuned(first, images_NCHW[part], labels_N[part]) for part in (slice(None), slice(1, None)))
    attack = configured("gradient_matching_exact", restarts=2, steps=20)
    allow_graphs(False)
    given = {"target": after.to(gpu), "original": before.to(gpu), "pretrained": (first.to(gpu), 10, 9)}
    found = attack(view_of(attack.threat, **given), torch.Generator().manual_seed(0))
    assert found.labels_N.tolist() == [0]


def test_a_look_by_queries_waits_for_nothing(gpu):
    """The zeroth-order search asks once a step who is left to be moved, and nothing else."""
    model = Linear().to(gpu)
    look = Queries(BlackBox(model), 6, "log", coordinates=4, h=1e-2, generator=torch.Generator().manual_seed(0))
    x_BX, class_B = torch.rand(6, look.pixels, device=gpu), torch.zeros(6, dtype=torch.int64, device=gpu)
    place_B = torch.arange(6, device=gpu)
    look(x_BX, class_B, place_B).slope(slice(None))  # after which memory and libraries are ready
    torch.cuda.set_sync_debug_mode("error")
    try:
        slope_BX, known_BX = look(x_BX, class_B, place_B).slope(slice(None))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert known_BX.sum(1).tolist() == [4] * 6
    assert slope_BX[known_BX].isfinite().all()


def test_the_watch_finds_a_question(gpu, watched):
    def asking():
        for _ in heads.progress(range(2)):
            torch.ones(1, device=gpu).item()

    with pytest.raises(RuntimeError, match="synchroniz"):
        asking()


def test_parents_are_those_of_the_cpu(gpu):
    draw = torch.Generator().manual_seed(0)
    fitness_KP, drawn_KR = torch.rand(10, 50, generator=draw), torch.rand(10, 96, dtype=torch.float64, generator=draw)
    assert torch.equal(choose_parents(fitness_KP, drawn_KR), choose_parents(fitness_KP.to(gpu), drawn_KR.to(gpu)).cpu())


def test_the_first_generation_bred_is_that_of_the_cpu(gpu, exact):
    """Its parents, cuts and mutations are drawn alike, and so the images are; later a last bit may choose others."""
    found = {}
    for device in ("cpu", "cuda"):
        asked = []
        attack = configured("inversion_genetic", population=10, generations=1)
        view = view_of(attack.threat, target=Linear().to(device))
        breed = attack._breed
        attack._breed = lambda *given, breed=breed, asked=asked: asked.append(breed(*given)) or asked[-1]
        attack(view, torch.Generator().manual_seed(0))
        found[device] = asked[0].cpu()
    torch.testing.assert_close(found["cpu"], found["cuda"], rtol=1e-4, atol=1e-5)


def test_a_query_outside_the_box_is_told_with_the_count(gpu):
    box = BlackBox(Linear().to(gpu))
    box.probabilities(torch.full((2, 2, 3, 4), 0.5, device=gpu))
    assert box.queries == 2
    box.probabilities(torch.full((2, 2, 3, 4), 1.5, device=gpu))
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        _ = box.queries


def test_a_large_network_is_inverted_as_without_a_graph(gpu, exact, captured):
    torch.manual_seed(0)
    model = ResNet18(image_shape=(3, 32, 32), num_classes=10, mean=(0.5,) * 3, std=(0.25,) * 3).to(gpu).eval()
    attack = configured("inversion_gradient", steps=50)
    found = {}
    for allowed in (False, True):
        allow_graphs(allowed)
        found[allowed] = attack(view_of(attack.threat, target=model), torch.Generator().manual_seed(0)).samples_KMF
    assert captured == ["a step of the gradient inversion"]
    assert far_apart(found[False], found[True]) < 1e-3
