"""The page in a real browser: Debian's Chromium, without a window and without a network."""

import shutil

import pytest

from tests.report.made import judged, write_run
from tests.report.sweep import write_sweep
from unlearnleak.report.build import build

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome is installed"),
]
READABLE = 4.5
"""Contrast that WCAG 2.1 asks of text (success criterion 1.4.3)."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    runs = write_sweep(tmp_path_factory.mktemp("sweep"))
    return build([runs], page_only=True).as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, address):
    """Return a function that opens the page and fails the test on anything in the console."""
    complaints, contexts = [], []

    def go(width=1200, scheme="light", anchor="", **more):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, reduced_motion="reduce", **more
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("a script ran"), dialog.dismiss()))
        page.goto(address + anchor)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_the_page_is_no_wider_than_the_window(opened, width, scheme):
    page = opened(width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelectorAll('svg[role=img]').length") > 10


CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const level = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
  };
  const found = [];
  for (const e of document.querySelectorAll("p, b, span, small, th, td, a, li, h1, h2, h3, text, dd, dt, code")) {
    if (!e.textContent.trim() || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const text = parts(e.tagName === "text" ? style.fill : style.color);
    const [a, b] = [level(text), level(behind(e))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 30)]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(opened, scheme):
    page = opened(1200, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    found = page.evaluate(CONTRAST)
    assert len(found) > 300
    assert [words for contrast, words in found if contrast < READABLE] == []


def test_light_and_dark_are_two(opened):
    colours = [
        opened(scheme=scheme).evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle("
            "document.querySelector('svg[role=img] text')).fill]"
        )
        for scheme in ("light", "dark")
    ]
    assert colours[0][0] != colours[1][0]
    assert colours[0][1] != colours[1][1]


def column(page, name):
    """The shown cells of a column of the table of runs."""
    names = page.locator("#run-table thead button").all_text_contents()
    cells = f"#run-table tbody tr:not([hidden]) > :nth-child({names.index(name) + 1})"
    return page.locator(cells).all_text_contents()


def test_sorting_goes_both_ways_with_unfinished_runs_last(opened):
    page = opened()
    header = page.get_by_role("button", name="ASR %")
    header.click()
    up = [float(text) for text in column(page, "ASR %") if text.replace(".", "").isdigit()]
    assert up == sorted(up)
    assert page.locator("#run-table th[aria-sort]").get_attribute("aria-sort") == "ascending"
    header.click()
    down = [float(text) for text in column(page, "ASR %") if text.replace(".", "").isdigit()]
    assert down == sorted(up, reverse=True)
    assert len(set(up)) > 2
    assert set(column(page, "status")[-3:]) == {"failed", "skipped", "running"}


def test_the_filter_keeps_what_has_every_word(opened):
    page = opened()
    page.locator("#filter").fill("rt param_d forgot=2")
    assert page.locator("#shown").text_content() == "4 of 26 runs"
    assert set(column(page, "unlearner")) == {"rt"}
    assert set(column(page, "forgotten")) == {"1, 4"}
    assert page.locator("details.run:not([hidden])").count() == 4
    page.locator("#filter").fill("")
    assert page.locator("#shown").text_content() == "26 of 26 runs"


def test_a_cell_of_the_matrix_leads_to_its_runs(opened):
    page = opened()
    matrix = page.get_by_role("region", name="Matrix of digits")
    cell = matrix.locator("tbody tr", has_text="ng 1 class").locator("td a").first
    n = int(cell.text_content().split("exact ")[1].split("/")[1].split()[0])
    cell.click()
    assert len(column(page, "unlearner")) == n
    assert set(column(page, "unlearner")) == {"ng"}


def test_a_link_opens_its_run(opened):
    page = opened(anchor="#run-3")
    assert page.locator("#run-3").get_attribute("open") is not None
    page.locator("#run-table tbody a").nth(4).click()
    assert page.locator("#run-5 .body").is_visible()


def test_the_time_is_that_of_the_stages_though_they_were_found_stored(opened):
    page = opened()
    assert "7.5 s" in column(page, "its stages took")
    assert "do not add" in page.locator("#run-table th", has_text="its stages took").get_attribute("title")


@pytest.mark.parametrize(("width", "columns"), [(1600, 3), (400, 1)])
def test_small_figures_stand_side_by_side_where_they_fit(browser, tmp_path, width, columns):
    for attack in ("param_dot", "param_diff", "head_sum", "noise_prior"):
        write_run(tmp_path / "runs" / attack, **judged([3], [3]), attack=attack)
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(build([tmp_path / "runs"], page_only=True).as_uri())
    plates = page.locator("#bars .plate")
    assert len({round(plates.nth(i).bounding_box()["x"]) for i in range(plates.count())}) == columns
    assert plates.count() == 4
    page.close()


def test_without_scripts_it_can_still_be_read(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#run-table tbody tr").count() == 26
    assert page.locator("form.filter").is_hidden()


def test_a_screen_reader_hears_every_drawing(opened):
    page = opened()
    drawings = page.get_by_role("img")
    names = [
        drawings.nth(i).evaluate(
            "(e) => e.getAttribute('alt') || "
            "e.getAttribute('aria-labelledby').split(' ').map((id) => document.getElementById(id).textContent).join()"
        )
        for i in range(drawings.count())
    ]
    assert len(names) > 10
    assert all(len(name) > 10 for name in names)
