"""linear_filtration as an unlearner: what it takes out of an original, and that it is the defence's arithmetic."""

import copy

import pytest
import torch

from tests.trained import forget_and_retain_accuracy
from unlearnleak.data import ForgetSet
from unlearnleak.defense.linear_filtration import LinearFiltration as Filter
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.unlearner.linear_filtration import LinearFiltration

SETTINGS = {"mode": "normalization", "rtol": 0.03}


@pytest.mark.parametrize("mode", ["normalization", "randomization", "zeroing"])
@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_it_forgets_and_retains_by_the_head_alone(original, digits, unlearn, mode, classes):
    model = unlearn(LinearFiltration(**SETTINGS | {"mode": mode}), classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    assert forget_acc < 0.2  # of a model that was trained for longer nothing is left
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, classes)[1] - 0.02
    before, after = original.model.state_dict(), model.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"head.weight", "head.bias"}


@pytest.mark.parametrize("mode", ["normalization", "randomization"])
def test_it_is_what_the_defence_makes_of_the_original(original, task_for, mode):
    method = LinearFiltration(mode=mode, rtol=0.01)
    task = task_for(method)
    model = method.unlearn(task)
    other = Filter(mode=mode, rtol=0.01)(copy.deepcopy(original.model), task.split, task.generator("logits"))
    assert torch.equal(model.head.weight, other.head.weight)


def test_parts_of_classes_are_refused():
    with pytest.raises(Incompatible, match="unlearner=linear_filtration can forget whole classes only"):
        LinearFiltration(**SETTINGS).check_forget(ForgetSet(classes=(3,), share=0.5))


@pytest.mark.parametrize("rtol", [-0.1, 1.0])
def test_a_tolerance_out_of_range_is_refused(rtol):
    with pytest.raises(UserError, match=r"unlearner\.rtol="):
        LinearFiltration(**SETTINGS | {"rtol": rtol})
