"""docs/audit.md describes audit.json: every field, and none that is not there."""

import re
from dataclasses import fields
from pathlib import Path

from unlearnleak.auditing.result import EXIT, Answer, Attacked, Calibration, Evaluation, Normalised, Rate, Understood

TEXT = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()


def described(start: str, end: str) -> set[str]:
    """The names in the first column of the table behind some words."""
    part = TEXT.split(start, 1)[1].split(end, 1)[0]
    cells = re.findall(r"^\| ([^|]*) \|", part, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def test_every_field_is_described_and_no_other():
    assert described("## audit.json", "Of `understood`:") == names(Answer)
    assert described("Of `understood`:", "Of each of `attacks`:") == names(Understood)
    assert described("Of each of `attacks`:", "\x00") == names(Attacked)


def test_what_a_field_holds_is_described_too():
    last = TEXT.split("Of each of `attacks`:")[1]
    for kind in (Calibration, Evaluation):
        assert all(f"`{name}`" in last for name in names(kind)), kind
    assert all(f"`{name}`" in TEXT for kind in (Rate, Normalised) for name in names(kind))


def test_every_status_is_described_with_its_exit_status():
    for status, code in EXIT.items():
        assert f"| `{status}` | {code} |" in TEXT
