"""The pages of the site that are made and not written: one a method, one a part of the code.

A method's page holds what its yaml and its docstring say, and after it what was written by hand in docs/methods. So a
new method has a page at once, and no sentence stands in two places.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CONF, BY_HAND = ROOT / "conf", ROOT / "docs" / "methods"
METHODS = {"unlearner": "Unlearners", "defense": "Defences", "attack": "Attacks", "screening": "Screenings"}
METHODS |= {"evaluation": "Evaluations"}
"""The groups whose choices have a page each, and their titles; a group that conf/ does not have is left out."""
SETTING = re.compile(r"^(?P<name>[A-Za-z]\w*): (?P<value>.*?)  # (?P<whose>paper|ours|reference)\b:? ?(?P<why>.*)$")
OWN = re.compile(
    r"^ +- override /(?P<group>\w+)@\S+: (?P<choice>\w+)  # (?P<whose>paper|ours|reference)\b:? ?(?P<why>.*)$"
)
LITERAL = re.compile(r"(``[^`]+``|`[^`]+`)")


def write_all(folder: Path) -> None:
    """Write every page that is made into this folder, and remove what is no page any more."""
    made = dict(method_pages()) | dict(code_pages())
    for old in folder.rglob("*.md"):
        if str(old.relative_to(folder)) not in made:
            old.unlink()
    for name, text in made.items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        if not page.exists() or page.read_text() != text:  # else Sphinx would make it again
            page.write_text(text)


# Methods


def method_pages() -> Iterator[tuple[str, str]]:
    """(path, text) of each method's page, and of one page a group that lists them."""
    for group, title in METHODS.items():
        files = sorted(CONF.joinpath(group).glob("*.yaml"))
        if not files:
            continue
        rows = [f"| [`{file.stem}`]({file.stem}.md) | {cell(header(file))} |" for file in files]
        first = "every one is chosen by its name"
        listed = "\n".join([f"| `{group}=` | {first} |", "|---|---|", *rows])
        yield f"{group}/index.md", f"# {title}\n\n{listed}\n\n{toctree([file.stem for file in files])}"
        for file in files:
            yield f"{group}/{file.name.removesuffix('.yaml')}.md", method_page(group, file)


def method_page(group: str, file: Path) -> str:
    """A method: what its yaml and its docstring say, what was written by hand, and its settings."""
    module, _, name = yaml.safe_load(file.read_text())["_target_"].rpartition(".")
    cls = getattr(importlib.import_module(module), name)
    by_hand = BY_HAND / group / file.name.replace(".yaml", ".md")
    parts = [
        f"# {group}={file.stem}",
        header(file),
        facts(cls),
        rst(f".. autoclass:: {module}.{name}\n   :no-index:"),
        *([by_hand.read_text().strip()] if by_hand.exists() else []),
        settings(file),
        recipes(file.stem) if group == "unlearner" else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def header(file: Path) -> str:
    """The comment that a yaml file begins with, as one line."""
    lines = file.read_text().splitlines()
    number = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.removeprefix("#").strip() for line in lines[:number])


def facts(cls: type) -> str:
    """What a class says of itself in its class attributes, with what its base class says that these mean."""
    means = dict(pair for base in cls.__mro__ for pair in described(base))
    values = {name: shown(getattr(cls, name)) for name in means if hasattr(cls, name)}
    rows = [f"| `{name}` | {value} | {cell(means[name])} |" for name, value in values.items() if value]
    return "\n".join(["| what | here | meaning |", "|---|---|---|", *rows]) if rows else ""


def described(cls: type) -> Iterator[tuple[str, str]]:
    """(name, meaning) of each entry under "Class attributes:" in a class's own docstring."""
    _, found, text = (vars(cls).get("__doc__") or "").partition("Class attributes:\n")
    for entry in re.findall(r"^        (\w+): (.+(?:\n {10,}.+)*)", text.split("\n\n")[0], re.M) if found else []:
        yield entry[0], " ".join(entry[1].split())


def shown(value: Any) -> str:
    """A class attribute's value for people."""
    if isinstance(value, type):
        return f"`{value.__name__}`"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, set | frozenset | tuple):
        return ", ".join(sorted(map(shown, value))) or "none"
    return f"`{value}`"


def settings(file: Path) -> str:
    """A table of a yaml's settings: the value, whose it is and why."""
    rows = []
    for line in file.read_text().splitlines():
        if own := OWN.match(line):
            chosen = f"[`{own['choice']}`](../{own['group']}/{own['choice']}.md)"
            rows.append(f"| `{own['group']}` | {chosen} | {own['whose']} | {cell(own['why'])} |")
        elif found := SETTING.match(line):
            rows.append(f"| `{found['name']}` | `{found['value']}` | {found['whose']} | {cell(found['why'])} |")
    table = ["| setting | value | whose | why |", "|---|---|---|---|", *rows]
    return "\n\n".join(["## Settings", "\n".join(table) if rows else "It has none."])


def recipes(unlearner: str) -> str:
    """What was searched for this unlearner: one line a recipe."""
    files = sorted(CONF.joinpath("recipe").glob(f"*_{unlearner}.yaml"))
    lines = [f"- `conf/recipe/{file.name}`: {header(file)}" for file in files]
    return "\n".join(["## Recipes", "", *lines]) if lines else ""


def cell(text: str) -> str:
    """Text within a table."""
    return text.replace("|", "\\|")


# The code

CODE = {
    "Experiments": ("pipeline.stages", "pipeline.graph", "pipeline.plan", "pipeline.evaluate"),
    "What methods are made of": ("unlearner.base", "defense.base", "attack.base", "screening.base", "evaluation.base"),
    "What an attacker holds": ("adversary",),
    "Data and models": ("data", "dataset.base", "model.base"),
    "Training": ("training",),
    "Numbers": ("metric",),
    "The store": ("store",),
    "Results and loggers": ("report", "runs.frame", "logger.base", "errors"),
}
"""What those program against who add a method or read results, by page: modules, and packages with what is directly in
them. Each method has its own page; what runs commands and sweeps is read in its source."""


def code_pages() -> Iterator[tuple[str, str]]:
    """(path, text) of a page for each part of `CODE`, with what its docstrings say, and of their list."""
    names = {title: title.lower().replace(" ", "_") for title in CODE}
    yield "code/index.md", f"# The code\n\n{rst('.. automodule:: unlearnleak')}\n\n{toctree(names.values())}"
    for title, parts in CODE.items():
        modules = [module for part in parts for module in modules_of(f"unlearnleak.{part}")]
        sections = [f"## {module}\n\n{rst(f'.. automodule:: {module}{MEMBERS}')}" for module in modules]
        yield f"code/{names[title]}.md", "\n\n".join([f"# {title}", *sections]) + "\n"


def modules_of(name: str) -> list[str]:
    """A module; or a package and the modules directly in it. Of `report` only what notebooks use."""
    module = importlib.import_module(name)
    below = [] if name == "unlearnleak.report" else pkgutil.iter_modules(getattr(module, "__path__", []))
    return [name, *(f"{name}.{found.name}" for found in below if not found.ispkg)]


MEMBERS = "\n   :members:\n   :show-inheritance:"


def rst(directive: str) -> str:
    """A directive of reStructuredText in Markdown."""
    return f"```{{eval-rst}}\n{directive}\n```"


def toctree(pages: Any) -> str:
    """The pages below this one, for the menu."""
    return "\n".join(["```{toctree}", ":hidden:", *pages, "```", ""])


# Docstrings


def plain(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Make reStructuredText of a docstring, which is plain text with `code` in it (Sphinx's call, before others)."""
    paragraphs = [list(group) for blank, group in groupby(lines, key=lambda line: not line.strip()) if not blank]
    made: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        before = paragraphs[number - 1][-1] if number else ""
        if paragraph[0].startswith("    ") and not before.startswith((" ", "- ")):
            made += ["::", "", *paragraph, ""]
        elif FIELD.match(paragraph[0]) and all(FIELD.match(line) or line.startswith(" ") for line in paragraph):
            made += [FIELD.sub(r"- `\g<name>`: ", escaped(line)) for line in paragraph] + [""]
        else:
            made += [*map(escaped, paragraph), ""]
    lines[:] = made


FIELD = re.compile(r"^(?P<name>[a-zA-Z_]+): (?=\S)")


def escaped(line: str) -> str:
    """A line in which nothing outside of backticks is markup."""
    parts = LITERAL.split(line)
    parts[::2] = [re.sub(r"_(?!\w)", r"\\_", re.sub(r"([*|\\])", r"\\\1", part)) for part in parts[::2]]
    return "".join(parts)
