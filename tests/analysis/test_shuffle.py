"""Verdicts that were all right fall to chance when the truth is dealt out anew."""

import numpy as np

from unlearnleak.analysis.shuffle import shuffled


def perfect(count: int, forgotten: int, seed: int) -> list[dict]:
    random = np.random.default_rng(seed)
    runs = []
    for _ in range(count):
        classes = sorted(random.choice(10, forgotten, replace=False).tolist())
        scores = [1.0 + random.random() if c in classes else random.random() for c in range(10)]
        runs.append(
            {"status": "done", "num_classes": 10, "forgotten": classes, "verdict": classes, "scores": scores}
            | {"exact_match": 1.0, "auroc": 1.0, "asr_published": 1.0}
        )
    return runs


def test_single_classes_fall_to_one_in_ten():
    # 2,000 runs: the binomial's deviation is 0.0067, four of them are allowed.
    runs = shuffled(perfect(2000, 1, seed=5), seed=6)
    assert abs(np.mean([run["exact_match"] for run in runs]) - 0.1) < 0.027
    assert abs(np.mean([run["auroc"] for run in runs]) - 0.5) < 0.03
    assert all(run["asr_published"] is None for run in runs)


def test_three_classes_fall_to_one_in_120():
    runs = shuffled(perfect(2000, 3, seed=7), seed=8)
    assert abs(np.mean([run["exact_match"] for run in runs]) - 1 / 120) < 0.009
    assert abs(np.mean([run["asr"] for run in runs]) - (0.7 * 0.7 + 0.3 * 0.3)) < 0.02


def test_a_control_stays_a_control_and_a_failed_run_stays_failed():
    control = perfect(1, 1, seed=1)[0] | {"forgotten": [], "verdict": []}
    failed = {"status": "failed", "why": "x"}
    first, second = shuffled([control, failed], seed=0)
    assert first["exact_match"] == 1.0
    assert second == failed


def test_the_seed_decides():
    runs = perfect(50, 1, seed=2)
    assert shuffled(runs, 1) == shuffled(runs, 1)
    assert [r["auroc"] for r in shuffled(runs, 1)] != [r["auroc"] for r in shuffled(runs, 2)]
