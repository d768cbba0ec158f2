"""The site is built as `make docs` does it and needs no network; its generated pages hold what they are made from."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"


def load_pages():
    spec = importlib.util.spec_from_file_location("pages", ROOT / "docs" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = load_pages()
METHODS = [(group, file) for group in pages.METHODS for file in sorted(CONF.joinpath(group).glob("*.yaml"))]


@pytest.mark.parametrize(("group", "file"), METHODS, ids=lambda each: getattr(each, "stem", each))
def test_a_methods_page_says_what_its_yaml_and_its_class_say(group, file):
    text, content = pages.method_page(group, file), yaml.safe_load(file.read_text())
    assert text.startswith(f"# {group}={file.stem}\n")
    assert pages.header(file) in text
    assert f"autoclass:: {content.pop('_target_')}" in text
    for override in content.pop("defaults", []):
        for chosen in override.values() if isinstance(override, dict) else []:
            assert f"| [`{chosen}`](../screening/{chosen}.md) |" in text
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \| (?:paper|ours|reference) \|", text, re.M))
    assert set(content) <= set(rows)
    assert {key: yaml.safe_load(rows[key]) for key in content} == content


def test_every_written_part_belongs_to_a_method():
    written = {(file.parent.name, file.stem) for file in (ROOT / "docs" / "methods").rglob("*.md")}
    assert written <= {(group, file.stem) for group, file in METHODS}
    assert ("unlearner", "ng") in written


def test_an_unlearners_page_lists_its_recipes():
    text = pages.method_page("unlearner", CONF / "unlearner" / "ng.yaml")
    assert len(re.findall(r"^- `conf/recipe/\w+_ng\.yaml`: .+", text, re.M)) == len([*CONF.glob("recipe/*_ng.yaml")])
    assert "## Recipes" not in pages.method_page("unlearner", CONF / "unlearner" / "rt.yaml")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("A norm |x|, a*b, theta_ and `x_*`.", r"A norm \|x\|, a\*b, theta\_ and `x_*`."),
        ("As in\n\n    run this\n    and that", "As in\n\n::\n\n    run this\n    and that"),
        ("kind: what it is\n    in two lines\nother: more", "- `kind`: what it is\n    in two lines\n- `other`: more"),
        ("Args:\n    x: a tensor", "Args:\n    x: a tensor"),
    ],
)
def test_docstrings_are_plain_text(written, read):
    lines = written.splitlines()
    pages.plain(None, "class", "C", None, None, lines)
    assert "\n".join(lines).strip() == read


@pytest.fixture(scope="module")
def site(python, tmp_path_factory):
    pytest.importorskip("furo", reason="the site is built by Sphinx: pip install 'unlearnleak[docs]'")
    pytest.importorskip("myst_nb", reason="the site is built by Sphinx: pip install 'unlearnleak[docs]'")
    (line,) = re.findall(r"^\t\$\(BIN\)/python (-m sphinx .*) docs build/docs$", (ROOT / "Makefile").read_text(), re.M)
    folder = tmp_path_factory.mktemp("site")
    done = python(*line.split(), "docs", str(folder))
    assert done.code == 0, done.err
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_site_is_built_without_a_warning(site):
    for page in ("index", "using", "concepts", "result", "tutorial", "contributing", "changes", "results/digits"):
        assert site.joinpath(f"{page}.html").is_file(), page
    for group, file in METHODS:
        assert site.joinpath("generated", group, f"{file.stem}.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_reading_it_needs_no_network(site):
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not re.findall(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"(?:https?:)?//[^\"]+", text), page


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_shows_formulas_docstrings_and_the_notebooks_picture(site):
    assert "<math" in site.joinpath("generated", "unlearner", "ng.html").read_text()
    assert "Raises the loss on D_f step by step" in site.joinpath("generated", "unlearner", "ng.html").read_text()
    assert re.search(r'<img[^>]+src="_images/[0-9a-f]+\.png"', site.joinpath("tutorial.html").read_text())
