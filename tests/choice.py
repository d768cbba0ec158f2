"""Which tests run, and in which order: what takes longest comes first, and `--quick` takes a little from every file."""

from collections.abc import Iterator

import pytest

LONG = ("slow", "slurm", "browser", "gpu", "long")
ONE_OF = 8
"""So many that two processes are through in a minute; a file of few tests still has its first."""
COSTLY = {"targets", "dot_evidence", "diff_evidence"}
"""Fixtures that train for seconds: `--quick` takes no test that asks for one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    left_out = f"none of {', '.join(LONG)}, none of costly fixtures"
    about = f"one of {ONE_OF} of every file's tests, each with one of its parameters; {left_out}"
    parser.addoption("--quick", action="store_true", help=about)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        chosen = set(quick(items))
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = [item for item in items if item in chosen]
    # Workers that share the tests take a file at a time: one that begins late with a long file ends late.
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def quick(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """The first of `ONE_OF` tests in a row of a file, with the first of its parameters."""
    names: dict[str, dict[str, None]] = {}
    for item in items:
        costly = COSTLY & set(getattr(item, "fixturenames", ()))
        if not costly and not any(item.get_closest_marker(name) for name in LONG):
            file = names.setdefault(str(item.path), {})
            name = getattr(item, "originalname", item.name)
            if name not in file:
                if len(file) % ONE_OF == 0:
                    yield item
                file[name] = None
