"""Take docs/report.png and docs/audit.png: python docs/picture.py PAGE OUT.png

Shows the top of a report's page as Chromium draws it, what was found and the first matrix, or that of an audit, what
each attack says. Needs playwright (part of the dev extra) and a Chromium or Chrome of the system.
"""

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from unlearnleak.errors import UserError
from unlearnleak.store.whole_file import write_file

WIDTH = 1500
"""Of the window, in pixels: a matrix of nine attacks fits."""
BELOW = 16
"""Pixels shown below the first matrix."""
LAST = "table.matrix, .answer ~ section .scroll:has(code)"
"""What is shown last: a report's first matrix, or what each attack says of an audit."""


def take(page: Path, out: Path, chromium: str) -> None:
    """Write a PNG of the page from its top to the end of its first matrix."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": 1000}, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        found = tab.locator(LAST)
        matrix = found.first.bounding_box() if found.count() else None
        if matrix is None:
            raise SystemExit(f"{page} has no matrix: no run of it is finished.")
        height = int(matrix["y"] + matrix["height"]) + BELOW
        picture = tab.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
        browser.close()
    few = (
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
    )  # half the size
    png = io.BytesIO()
    few.save(png, format="PNG", optimize=True)
    try:
        write_file(out, png.getvalue(), "OUT")
    except UserError as error:
        raise SystemExit(f"Error: {error}") from error


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="a report's index.html")
    parser.add_argument("out", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    if chromium is None:
        raise SystemExit("No chromium or google-chrome is installed.")
    take(arguments.page, arguments.out, chromium)


if __name__ == "__main__":
    main()
