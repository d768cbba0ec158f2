"""Every link of the written pages within the repository leads to a file and, where it names one, to a heading in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("docs/results/*.md")),
]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#([\w-]+))?\)")
MADE = "generated/"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith(MADE):  # the site's builder looks there
            continue
        place = page.parent / target
        assert place.exists(), target
        included = ROOT / "CONTRIBUTING.md" if place.name == "contributing.md" else place
        assert not anchor or anchor in anchors(included), f"{target}#{anchor}"


def test_there_are_links():
    assert sum(len(LINK.findall(page.read_text())) for page in PAGES) > 20
