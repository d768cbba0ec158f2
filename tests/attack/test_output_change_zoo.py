"""output_change_zoo: against one pixel of one probe at a time, what it costs in queries, and what it finds."""

import pytest
import torch
from hydra.errors import InstantiationException

from tests.attack.victims import Linear, configured, lowest, retrained
from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.output_change_zoo import Queries

FEW = {"probes": 2, "used": 2, "steps": 3, "coordinates": 5, "restarts": 2, "h": 0.01}


def attack(before, after, seed=0, **changes):
    component = configured("output_change_zoo", **(FEW | changes))
    view = view_of(component.threat, target=after, original=before)
    return component(view, torch.Generator().manual_seed(seed)), view


def looked(model, x_NX, class_N, **changes):
    settings = {"coordinates": 100, "h": 1e-2, "loss": "log", "generator": torch.Generator().manual_seed(0)} | changes
    look = Queries(BlackBox(model), len(x_NX), settings.pop("loss"), **settings)
    seen = look(x_NX, class_N, torch.arange(len(x_NX)))
    return (seen.p_B, *seen.slope(torch.ones(len(x_NX), dtype=torch.bool)), look.model.queries)


@pytest.mark.parametrize("loss", ["log", "margin"])
def test_its_slopes_are_those_of_the_gradient_also_at_the_edge_of_the_box(loss):
    model, class_N = Linear(scale=0.3), torch.tensor([0, 3, 4])
    x_NX = torch.rand(3, 24, generator=torch.Generator().manual_seed(1))
    x_NX[:, :4], x_NX[:, 4:8] = 0, 1
    p_N, slope_NX, known_NX, queries = looked(model, x_NX, class_N, loss=loss)
    exact_NX = x_NX.clone().requires_grad_(True)
    logits_NK = model(model.normalize(exact_NX.view(3, 2, 3, 4)))
    others_N = torch.stack([logits_NK[n, torch.arange(5) != c].max() for n, c in enumerate(class_N)])
    own_N = logits_NK[torch.arange(3), class_N]
    value_N = others_N - own_N if loss == "margin" else -logits_NK.log_softmax(1)[torch.arange(3), class_N]
    value_N.sum().backward()
    torch.testing.assert_close(slope_NX, exact_NX.grad, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(p_N, logits_NK.softmax(1)[torch.arange(3), class_N].detach())
    assert known_NX.all()
    assert queries == 3 * (1 + 2 * 24)


def test_a_step_knows_the_pixels_that_it_asked_about_and_no_others():
    x_NX = torch.rand(4, 24, generator=torch.Generator().manual_seed(1))
    _, slope_NX, known_NX, queries = looked(Linear(), x_NX, torch.arange(4), coordinates=7)
    assert known_NX.sum(1).tolist() == [7] * 4
    assert (slope_NX != 0).equal(known_NX)
    assert not known_NX.equal(known_NX[:1].expand(4, -1))
    assert queries == 4 * (1 + 2 * 7)


def slowly(before, after, seed, *, probes, used, steps, coordinates, restarts, h):
    """One class, probe, step and pixel after another, in plain numbers; the draws are the batch's."""
    draw, count, pixels = torch.Generator().manual_seed(seed), before.num_classes * probes, 24
    setting = configured("output_change_zoo").search

    def p_of(model, x_X, c):
        return model(model.normalize(torch.tensor(x_X).view(1, 2, 3, 4))).softmax(1)[0, c].item()

    draws = []  # of each start its pixels, and of each step whose pixels are asked about: as long as any are left
    for _ in range(restarts):
        start_NX = torch.randn(count, pixels, generator=draw).clamp(0, 1)
        draws.append((start_NX, [torch.rand(count, pixels, generator=draw).argsort(1) for _ in range(steps)]))
    rows, queries = [], 0
    for c in range(before.num_classes):
        ends = []
        for n in range(c * probes, (c + 1) * probes):
            best = ([], -1.0)
            for start_NX, order in draws:
                x_X, adam = start_NX[n].tolist(), {}
                for step in range(steps + 1):
                    p, queries = p_of(before, x_X, c), queries + 1
                    if step == steps:
                        break
                    slopes = {}
                    for j in order[step][n, :coordinates].tolist():
                        sides = [min(x_X[j] + h, 1.0), max(x_X[j] - h, 0.0)]
                        values = []
                        for side in sides:
                            values.append(-torch.tensor(p_of(before, [*x_X[:j], side, *x_X[j + 1 :]], c)).log().item())
                            queries += 1
                        slopes[j] = (values[0] - values[1]) / (sides[0] - sides[1])
                    for j, slope in slopes.items():
                        first, second, t = adam.get(j, (0.0, 0.0, 0))
                        first, second, t = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2, t + 1
                        adam[j] = first, second, t
                        move = first / (1 - 0.9**t) / ((second / (1 - 0.999**t)) ** 0.5 + 1e-8)
                        x_X[j] = min(max(x_X[j] - (setting.lr_sure if p > 0.9 else setting.lr) * move, 0.0), 1.0)
                best = (x_X, p) if p > best[1] else best
            ends.append(best)
        ends = sorted(ends, key=lambda end: -end[1])[:used]
        rows.append([p_of(after, x_X, c) - p for x_X, p in ends])
    return torch.tensor(rows), queries + before.num_classes * used


def test_all_probes_in_one_batch_are_those_made_one_pixel_at_a_time_and_every_query_is_counted():
    before, after = Linear(0, scale=0.2), Linear(1)
    change_KU, queries = slowly(before, after, 0, **FEW)
    evidence, view = attack(before, after)
    assert evidence.accepted_K.sum() == 0  # or the batch would draw less
    torch.testing.assert_close(evidence.samples_KMF[..., 0], change_KU, atol=2e-3, rtol=0)
    assert evidence.queries == view.queries == queries == view.original.queries + view.target.queries
    assert view.target.queries == 5 * 2


def test_what_is_accepted_is_not_asked_about_again():
    evidence, _ = attack(Linear(0, scale=0.01), Linear(1), accept=1e-3)
    assert evidence.accepted_K.tolist() == [2] * 5
    assert evidence.queries == 5 * 2 * 2


def test_the_class_that_only_the_model_before_knew_falls_farthest():
    settings = {"probes": 3, "used": 3, "steps": 20, "coordinates": 98, "restarts": 1, "h": 1e-4}
    evidence, _ = attack(retrained(), retrained(3), **settings)
    assert lowest(evidence.samples_KMF.mean((1, 2)), 1) == {3}


def test_answers_that_are_the_same_everywhere_are_no_reason_to_fail():
    before = Linear(scale=0.0)
    before.head.bias.data[:] = torch.tensor([0.0, 0.0, 0.0, 0.0, 1e5])  # the others' probabilities are 0
    evidence, _ = attack(before, Linear(1))
    assert evidence.samples_KMF.isfinite().all()
    assert evidence.accepted_K.tolist() == [0, 0, 0, 0, 2]


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"coordinates": 0}, r"attack\.coordinates=0"), ({"h": 0.0}, r"attack\.h=0\.0"), ({"h": 0.6}, r"attack\.h=0\.6")],
)
def test_a_setting_that_cannot_be_is_refused(changes, named):
    with pytest.raises(InstantiationException, match=named):
        configured("output_change_zoo", **changes)
