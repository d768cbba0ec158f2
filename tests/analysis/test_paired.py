import itertools

import numpy as np
import pandas as pd
import pytest

from unlearnleak.analysis.compare import holm
from unlearnleak.analysis.paired import adjusted, paired


def runs(hits, *, models=1, gate="passed"):
    """A target for each number in `hits`, of which so many of `models` models are exact."""
    return pd.DataFrame(
        [
            {
                "dataset": "digits",
                "target": f"t{number}",
                "original": f"o{number}",
                "gate": gate,
                "exact_match": m < hit,
            }
            for number, hit in enumerate(hits)
            for m in range(models)
        ]
    )


def by_all_signs(differences):
    """The two-sided p value by listing every choice of signs, as a share of those that reach as far."""
    means = [np.mean(np.multiply(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    return np.mean(np.abs(means) >= abs(np.mean(differences)) - 1e-12)


@pytest.mark.parametrize("hits", [[5, 5, 5, 5, 5, 5], [3, 2, 5, 0, 4, 1], [0, 0, 1, 0, 0, 0]])
def test_a_target_is_one_observation_however_many_models_met_it(hits):
    other = [1, 2, 0, 1, 0, 3]
    found = paired("x", runs(other, models=5), runs(hits, models=5))
    assert (found.first, found.second, found.n_first, found.n_second) == (sum(other), sum(hits), 30, 30)
    assert found.targets == 6
    assert found.p == pytest.approx(by_all_signs((np.array(hits) - other) / 5))


def test_what_is_equal_everywhere_is_no_evidence():
    assert paired("x", runs([2, 2, 1]), runs([2, 2, 1])).p == 1


def test_controls_go_by_their_original_and_only_common_targets_count():
    silent, loud = runs([1] * 8, gate="control"), runs([0] * 10, gate="control")
    found = paired("x", loud, silent)
    assert (found.first, found.second, found.targets) == (0, 8, 8)
    assert found.p == pytest.approx(2 / 2**8)
    with pytest.raises(ValueError, match="no target in common"):
        paired("x", runs([1]), runs([1]).assign(target="elsewhere"))


def test_a_family_is_adjusted_together():
    """Holm's own rule, written out: the i-th smallest of m times m - i + 1, and never less than one before it."""
    family = [paired(str(n), runs([0] * n), runs([1] * n)) for n in (8, 3, 6)]
    p8, p3, p6 = (one.p for one in family)
    assert p8 < p6 < p3
    assert [one.q for one in adjusted(family)] == pytest.approx([3 * p8, max(3 * p8, 2 * p6, p3), max(3 * p8, 2 * p6)])
    assert holm([0.04, 0.01, 0.9]) == pytest.approx([0.08, 0.03, 0.9])
    assert holm([]) == []
