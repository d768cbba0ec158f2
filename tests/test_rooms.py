"""The rooms of the package: no arrow runs back up, no circle, choices in their folders, nothing loose at the top."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "unlearnleak"
CONF = PACKAGE.parent / "conf"
ORDER = (
    *("errors", "machine", "store", "config", "data", "model", "foreign", "training", "dataset", "unlearner"),
    *(
        "defense",
        "adversary",
        "attack",
        "screening",
        "metric",
        "evaluation",
        "runs",
        "tracking",
        "logger",
        "pipeline",
        "sweep",
    ),
    *("analysis", "figure", "report", "papers", "auditing", "cli", "run"),
)
"""The rooms from the ground up: what stands in one knows those before it and no other."""
CHOICES = ("dataset", "model", "unlearner", "defense", "attack", "screening", "evaluation", "logger")
"""The folders of components: each file in them is a word on the command line, but for base."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name within it; the package itself is ""."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """The package's modules that a file imports, also where a function does so or only a type checker."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            inside = name.removeprefix("unlearnleak.") if name.startswith("unlearnleak.") else None
            while inside is not None and inside not in MODULES:
                inside = inside.rpartition(".")[0] or None
            if inside:
                found.add(inside)
    return found


EDGES = {name: imports(path) - {name} for name, path in MODULES.items() if name}


def room(module: str) -> str:
    return module.partition(".")[0]


def circle(edges: dict[str, set[str]]) -> list[str]:
    """A circle among these arrows; [] where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_room_has_its_place():
    assert {room(name) for name in EDGES} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_no_arrow_runs_back_up(name):
    above = set(ORDER[ORDER.index(name) + 1 :])
    wrong = [f"{module} imports {there}" for module in EDGES if room(module) == name for there in EDGES[module]]
    assert not [arrow for arrow in wrong if room(arrow.rpartition(" ")[2]) in above]


def test_there_is_no_circle_of_files():
    assert circle(EDGES) == []


def test_nothing_lies_loose_at_the_top():
    assert {path.name for path in PACKAGE.glob("*.py")} <= {"__init__.py", "run.py", "audit.py", "errors.py"}


@pytest.mark.parametrize("group", CHOICES)
def test_a_folder_of_components_holds_choices_and_their_base(group):
    choices = {path.stem for path in CONF.joinpath(group).glob("*.yaml")}
    there = {path.stem for path in PACKAGE.joinpath(group).iterdir() if path.name not in ("__init__.py", "__pycache__")}
    assert there - {"base"} == choices
    assert "base" in there


@pytest.mark.parametrize("group", CHOICES)
def test_a_choice_knows_no_other_choice(group):
    own = [name for name in EDGES if name.startswith(f"{group}.") and not name.startswith(f"{group}.base")]
    assert not [f"{name} imports {there}" for name in own for there in EDGES[name] if there in own]


def test_no_room_holds_more_than_15_percent_of_the_lines():
    lines: dict[str, int] = {}
    for name, path in MODULES.items():
        lines[room(name)] = lines.get(room(name), 0) + len(path.read_text().splitlines())
    assert max(lines.values()) <= 0.15 * sum(lines.values()), sorted(lines.items(), key=lambda each: -each[1])[:3]
