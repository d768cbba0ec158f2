"""The golden numbers: every tensor to the bit, every measured number to nine digits.

Releases of PyTorch for which nothing is written down are held against the nearest that is: the same jobs, kinds of
facts and counts of tensors, and accuracies within a margin that a retrained model needs.
"""

import json

import pytest

from tests.golden import record

MARGIN = 0.35
"""How far an accuracy of these barely trained models may move where the last bits of a release differ."""
BITS = ("data", "original", "unlearned", "evidence")
"""The stages whose tensors PyTorch alone computes; a verdict's come from scikit-learn too, and are among the facts."""


@pytest.fixture(scope="module")
def found():
    return record.measured()


def recorded(found):
    path = record.file_of(found["environment"])
    known = sorted(record.FOLDER.glob("*.json"))
    return json.loads((path if path in known else known[-1]).read_text()), path in known


@pytest.mark.slow
def test_numbers_are_those_that_were_written_down(found):
    before, exact = recorded(found)
    if not exact:
        pytest.skip(f"no numbers of {found['environment']} are written down; their form is compared below")
    moved = {}
    for job, now in found["jobs"].items():
        then = before["jobs"][job]
        stages = [stage for stage in BITS if now["stages"][stage] != then["stages"][stage]]
        facts = [name for name in then["facts"] if now["facts"][name] != then["facts"][name]]
        if stages or facts:
            moved[job] = (stages, facts)
    assert not moved, f"{len(moved)} of {len(before['jobs'])} jobs, the first: {next(iter(moved.items()))}"


@pytest.mark.slow
def test_the_jobs_have_the_form_that_was_written_down_on_every_release(found):
    before, _ = recorded(found)
    assert set(found["jobs"]) == set(before["jobs"])
    for job, now in found["jobs"].items():
        then = before["jobs"][job]
        assert {stage: text.split()[0] for stage, text in now["stages"].items()} == {
            stage: text.split()[0] for stage, text in then["stages"].items()
        }, job
        assert set(now["facts"]) == set(then["facts"]), job
        for name in ("queries", "forgotten", "num_classes", "asr_constant"):
            assert now["facts"][name] == then["facts"][name], (job, name)
        for name in ("retain_acc", "original_retain_acc"):
            assert now["facts"][name] == pytest.approx(then["facts"][name], abs=MARGIN), (job, name)
