"""Weights are loaded strictly: what is missing, too many, of another shape or no number is listed."""

import pytest
import torch
from torch import nn

from unlearnleak.errors import UserError
from unlearnleak.foreign.filling import fill


def net():
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 4))


def filled(state):
    return fill(net(), state, where="w.pt", name="net.py:Net")


STATE = net().state_dict()


def under(prefix, state=STATE):
    return {f"{prefix}{name}": value for name, value in state.items()}


@pytest.mark.parametrize(
    ("state", "notes"),
    [
        (STATE, ()),
        (under("module."), ("the prefix 'module.' was taken off all names",)),
        (under("_orig_mod.module."), ("the prefix '_orig_mod.module.' was taken off all names",)),
        (under("net.core."), ("the weights are those under 'net.core.'",)),
        (
            under("model.") | {"criterion.weight": torch.ones(4)},
            ("the weights are those under 'model.'; left out: criterion.weight",),
        ),
        (
            {name: value.double() for name, value in STATE.items() if "num" not in name}
            | {"1.num_batches_tracked": torch.tensor(3)},
            (),
        ),
    ],
)
def test_names_may_have_a_prefix_and_numbers_another_width(state, notes):
    module = net()
    assert fill(module, state, where="w.pt", name="net.py:Net") == notes
    assert all(torch.equal(module.state_dict()[name], STATE[name]) for name in STATE if "num" not in name)


WRONG = {
    "missing": (
        dict(list(STATE.items())[1:]),
        r"w\.pt does not fit model=net\.py:Net: it lacks 0\.weight",
    ),
    "too many": (STATE | {"x": torch.ones(1)}, "it holds x, which the model has not"),
    "shape": (STATE | {"3.bias": torch.ones(5)}, r"3\.bias is \(5,\) and must be \(4,\)"),
    "kind": (STATE | {"3.bias": torch.ones(4, dtype=torch.int64)}, r"3\.bias is I64 and must be floating point"),
    "complex": (STATE | {"3.bias": torch.ones(4, dtype=torch.complex64)}, r"3\.bias is complex64"),
    "not finite": (STATE | {"3.bias": torch.full((4,), torch.nan)}, r"3\.bias holds infinities or no numbers"),
    "statistics": (STATE | {"1.running_var": torch.full((2,), torch.inf)}, r"1\.running_var holds infinities"),
    "two models": (
        under("teacher.") | under("student."),
        r"holds several models of this .*: teacher\., student\.",
    ),
    "colours": (
        STATE | {"0.weight": torch.ones(2, 1, 3, 3)},
        r"takes 1 channels, this architecture's 3",
    ),
    "another": ({"a": torch.ones(1)}, r"it lacks 0\.weight, .* and 4 more; it holds a, which"),
    "a terminal": (STATE | {"\x1b[2J": torch.ones(1)}, r"holds \\x1b\[2J"),
}


@pytest.mark.parametrize(("state", "told"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_listed(state, told):
    with pytest.raises(UserError, match=told) as refused:
        filled(state)
    assert "\n" not in str(refused.value)


def test_infinities_that_the_model_has_itself_are_no_damage():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)
            self.register_buffer("mask", torch.tensor([0.0, -torch.inf]))

    module = Masked()
    assert fill(Masked(), module.state_dict(), where="w.pt", name="x") == ()
    with pytest.raises(UserError, match="mask holds infinities"):
        fill(Masked(), module.state_dict() | {"mask": torch.tensor([-torch.inf, 0.0])}, where="w.pt", name="x")
