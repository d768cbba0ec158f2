"""A panel as inline SVG: follows the page's light or dark colours, and says in words what it shows."""

import io
import re
from typing import Any
from xml.etree import ElementTree as ET

from unlearnleak.figure.chart import (
    BLUE,
    GOLD,
    GREY,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    STYLE,
    TEAL,
    Panel,
)
from unlearnleak.figure.placing import place_panel

NAMES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    BLUE: "blue",
    ORANGE: "orange",
    TEAL: "teal",
    PURPLE: "purple",
    GOLD: "gold",
    GREY: "grey",
}
"""Each colour's CSS variable: the light theme's value is the colour itself."""
SPACE = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
FONT = re.compile(r"font-family: [^;]*;? ?")
COLOUR = re.compile("|".join(NAMES))
LOCAL = re.compile(r"url\(#([^)]+)\)")


def inline(panel: Panel, name: str) -> str:
    """The panel as an <svg> element; `name` must be unique in the page, and every id in it begins with `name`.

    Text stays text, in the page's font; colours become CSS variables. Title and description are what a screen reader
    says.
    """
    ET.register_namespace("", SPACE)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(drawn(panel))
    for part in root.findall(f"{{{SPACE}}}metadata"):
        root.remove(part)
    for element in root.iter():
        clean(element, name)
    del root.attrib["width"], root.attrib["height"]
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-text"}
    for place, (tag, suffix, text) in enumerate([("title", "title", panel.title), ("desc", "text", panel.text)]):
        element = ET.Element(f"{{{SPACE}}}{tag}", {"id": f"{name}-{suffix}"})
        element.text = text
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode")


def drawn(panel: Panel) -> str:
    """The panel as matplotlib writes it; the same panel gives the same text."""
    from matplotlib import rc_context  # noqa: PLC0415  (slow to import)
    from matplotlib.figure import Figure  # noqa: PLC0415

    out = io.StringIO()
    style: Any = STYLE | {"svg.hashsalt": "unlearnleak"}
    with rc_context(style):
        figure = Figure(figsize=panel.size)
        place_panel(figure, panel, corner=(0, 0), size=panel.size)
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return out.getvalue()


def clean(element: ET.Element, name: str) -> None:
    """Put variables in the place of colours and fonts, and `name` before every id that is referred to."""
    if element.tag == f"{{{SPACE}}}g":
        element.attrib.pop("id", None)
    elif "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    if (target := element.get(HREF, "")).startswith("#"):
        element.set(HREF, f"#{name}-{target[1:]}")
    for key in ("style", "fill", "stroke", "clip-path"):
        if value := element.get(key):
            themed = COLOUR.sub(lambda found: f"var(--{NAMES[found.group()]})", value)
            element.set(key, LOCAL.sub(rf"url(#{name}-\1)", FONT.sub("", themed)))
