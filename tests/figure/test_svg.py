"""Inline drawings: they follow the page's colours, speak, and do not get in each other's way."""

import re
from xml.etree import ElementTree as ET

from unlearnleak.figure.chart import BLUE, FORGOTTEN, Panel
from unlearnleak.figure.svg import NAMES, inline

SPACE = "{http://www.w3.org/2000/svg}"


def draw(axis):
    axis.stairs([1, 3, 2], color=BLUE, fill=True)
    axis.plot([0, 1, 2], [1, 2, 3], "o-", color=FORGOTTEN)
    axis.set_title("a < b & $c$")


def test_no_colour_of_ours_is_fixed():
    text = inline(Panel("t", "words", draw), "one")
    assert not any(colour in text for colour in NAMES)
    assert {"var(--blue)", "var(--orange)", "var(--ink)"} <= set(re.findall(r"var\(--\w+\)", text))


def test_title_and_description_are_what_it_is_labelled_by():
    root = ET.fromstring(inline(Panel('a <b> "title"', "n 20 & more", draw), "one"))
    by_id = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    assert root.get("role") == "img"
    assert [by_id[name] for name in root.get("aria-labelledby").split()] == ['a <b> "title"', "n 20 & more"]


def test_two_drawings_share_no_id_and_each_refers_to_its_own():
    drawn = [ET.fromstring(inline(Panel("t", "words", draw), name)) for name in ("one", "two")]
    ids = [{element.get("id") for element in root.iter() if element.get("id")} for root in drawn]
    assert not ids[0] & ids[1]
    for own, root in zip(ids, drawn, strict=True):
        text = ET.tostring(root, encoding="unicode")
        targets = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
        assert targets
        assert targets <= own


def test_text_stays_text_with_no_font_of_its_own():
    text = inline(Panel("t", "words", draw), "one")
    assert "a &lt; b &amp; $c$" in text
    assert "font-family" not in text
    assert "DejaVu" not in text


def test_the_same_panel_is_the_same_text():
    assert inline(Panel("t", "words", draw), "one") == inline(Panel("t", "words", draw), "one")
