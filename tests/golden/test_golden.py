"""The golden numbers: every tensor to the bit, every measured number to nine digits.

Releases of PyTorch, NumPy and scikit-learn, and makers of processors, that are not written down may add up in another
way: where they do, the exact comparison is skipped and says so. The form is compared in any case: the same jobs, facts
and counts of tensors, and accuracies within a margin that a retrained model needs.
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


@pytest.fixture(scope="module")
def before(found):
    path = record.file_of(found["environment"])
    return json.loads((path if path.exists() else next(record.FOLDER.glob("*.json"))).read_text())


@pytest.mark.slow
def test_numbers_are_those_that_were_written_down(found, before):
    moved = {}
    for job, then in before["jobs"].items():
        now = found["jobs"][job]
        stages = [stage for stage in BITS if now["stages"][stage] != then["stages"][stage]]
        facts = [name for name in then["facts"] if now["facts"][name] != then["facts"][name]]
        if stages or facts:
            moved[job] = (stages, facts)
    what = f"{len(moved)} of {len(before['jobs'])} jobs, the first: {next(iter(moved.items()), None)}"
    if moved and found["environment"] not in before["environments"]:
        pytest.skip(f"{found['environment']} is not written down, and moves numbers: {what}")
    assert not moved, what


@pytest.mark.slow
def test_the_jobs_have_the_form_that_was_written_down_on_every_release(found, before):
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
