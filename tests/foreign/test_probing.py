"""What a module answers that is no table [N, K] is said in a line."""

import pytest
import torch
from torch import nn

from unlearnleak.errors import UserError
from unlearnleak.foreign.classifier import ANY
from unlearnleak.foreign.probing import probe


class Answers(nn.Module):
    def __init__(self, of):
        super().__init__()
        self.of, self.fc = of, nn.Linear(4, 3)

    def forward(self, x):
        return self.of(self.fc(x.flatten(1)))


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (lambda y: (y, y), "answers a tuple, and one tensor"),
        (lambda y: {"out": y}, "answers a dict, and one tensor"),
        (lambda y: 3, "answers an int, and one tensor"),
        (lambda y: y[:, :1], r"one number for an image.* \[1 - p, p\]"),
        (lambda y: y[..., None], r"shape \(3, 3, 1\)"),
        (lambda y: y / 0, "infinities or no numbers"),
    ],
)
def test_an_answer_that_is_no_table_is_refused(of, words):
    with pytest.raises(UserError, match=words) as refused:
        probe(Answers(of), (1, 2, 2), ANY)
    assert "\n" not in str(refused.value)


def test_of_a_dictionary_the_logits_are_taken():
    assert probe(Answers(lambda y: {"logits": y, "hidden": y[0]}), (1, 2, 2), ANY).num_classes == 3
    assert probe(Answers(lambda y: y.softmax(1)), (1, 2, 2), ANY).probabilities
    assert torch.is_tensor(probe(Answers(lambda y: y), (1, 2, 2), ANY).ask())
