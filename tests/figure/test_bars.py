"""Words below bars."""

import pytest

from unlearnleak.figure.bars import tick


@pytest.mark.parametrize(
    ("unlearner", "words"),
    [
        ("ft", "ft"),
        ("l1_sparse", "l1_sparse"),
        ("linear_filtration", "linear_\nfiltration"),
        ("linear_filtration 0a1b2c3d", "linear_\nfiltration\n0a1b2"),
        ("ng + weight_noise", "ng\n+\nweight_\nnoise"),
    ],
)
def test_a_long_name_stands_in_lines_and_of_a_digest_its_beginning(unlearner, words):
    assert tick(unlearner) == words
