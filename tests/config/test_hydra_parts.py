"""What Hydra keeps to itself is used in one place."""

from pathlib import Path

import pytest

import unlearnleak

PACKAGE = Path(unlearnleak.__file__).parent
PLACES = {"config/hydra_parts.py", "auditing/composed.py"}
"""The second only asks for a search path."""


@pytest.mark.parametrize("folder", [PACKAGE, PACKAGE.parent / "hydra_plugins"], ids=lambda folder: folder.name)
def test_nothing_else_takes_what_hydra_keeps_to_itself(folder):
    files = [path for path in folder.rglob("*.py") if "hydra._internal" in path.read_text()]
    assert {str(path.relative_to(folder)) for path in files} <= PLACES
