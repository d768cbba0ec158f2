"""The search whose accepted images stay in the batch, against the one that lets them go."""

import pytest
import torch

from tests.attack.victims import Linear, retrained
from unlearnleak.adversary import still
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.changes import by_gradients
from unlearnleak.adversary.probes import ProbeSearch

SETTINGS = {"probes": 4, "used": 3, "steps": 25, "lr": 0.1, "lr_sure": 0.02, "accept": 0.9, "restarts": 3}


def found(model, *, loss="log", at_once=512, looks=None, **how):
    target = WhiteBox(model)
    look = by_gradients(target, loss)

    def counted(x_BX, class_B, place_B):
        if looks is not None:
            looks.append(len(x_BX))
        return look(x_BX, class_B, place_B)

    pixels, draw = torch.Size(target.image_shape).numel(), torch.Generator().manual_seed(0)
    search = ProbeSearch(**SETTINGS | {key: how.pop(key) for key in list(how) if key in SETTINGS}, loss=loss)
    return search.find(counted, target.num_classes, pixels, draw, device=target.device, at_once=at_once, **how)


@pytest.mark.parametrize("loss", ["log", "margin"])
@pytest.mark.parametrize("at_once", [512, 7])  # 7: whole batches, and one that is filled up
@pytest.mark.parametrize(
    ("make", "tolerance", "how"),
    [
        (lambda: Linear(scale=0.3), 1e-4, {"steps": 4}),
        (retrained, 5e-3, {"steps": 8, "accept": 0.97}),
    ],
    ids=["linear", "lenet"],
)
def test_it_finds_what_the_other_finds(make, tolerance, how, at_once, loss):
    let_go, held = (found(make(), loss=loss, at_once=at_once, still=still, **how) for still in (False, True))
    assert torch.equal(let_go.accepted_K, held.accepted_K)
    assert 0 < held.accepted_K.sum() < 4 * len(held.accepted_K)  # some need another start, some never get there
    torch.testing.assert_close(let_go.p_KU, held.p_KU, atol=tolerance, rtol=0)
    torch.testing.assert_close(let_go.x_KUX, held.x_KUX, atol=10 * tolerance, rtol=0)


def test_every_look_is_at_a_batch_of_one_size_and_ends_when_all_are_accepted():
    looks = []
    found(Linear(), still=True, looks=looks, steps=1000, at_once=8, accept=0.6)
    assert set(looks) == {8}
    assert len(looks) < 3 * 1000
    looks.clear()
    found(Linear(), still=True, looks=looks, steps=1000, accept=1e-6)
    assert looks == [20] * (still.LOOKED_AFTER + 1)  # accepted at once; no other start is tried


def test_what_is_accepted_moves_no_more():
    model, starts = Linear(scale=0.3), torch.rand(5, 24, generator=torch.Generator().manual_seed(1))
    search = still.StillSearch(
        by_gradients(WhiteBox(model), "log"), torch.zeros(5, 24), steps=30, lr=0.1, lr_sure=0.02, accept=0.3
    )
    classes = torch.arange(5)
    with torch.no_grad():
        p_B = model(model.normalize(starts.view(5, 2, 3, 4))).softmax(1).diagonal()
    x_BX, end_B = search.descend(starts, classes, classes, lambda: None)
    sure_B = p_B >= 0.3
    assert 0 < sure_B.sum() < 5
    assert torch.equal(x_BX[sure_B], starts[sure_B])
    torch.testing.assert_close(end_B[sure_B], p_B[sure_B])
    assert (end_B >= p_B - 1e-6).all()
