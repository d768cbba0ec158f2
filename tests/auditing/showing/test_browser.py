"""The page of an audit in a real browser: Debian's Chromium, without a window and without a network."""

from dataclasses import replace

import pytest

from tests.report.test_browser import CHROMIUM, CONTRAST, READABLE, browser  # noqa: F401  (a fixture)
from unlearnleak.auditing.showing.page import fragment, page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome is installed"),
]
PHONE = 375
HOSTILE = "<script>document.title='run'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def opened(browser, leak, tmp_path):  # noqa: F811
    """Return a function that opens an audit's page and fails the test on anything in the console."""
    complaints, contexts = [], []
    names = (HOSTILE, *("a-name-without-any-place-to-break-it-at" * 3 for _ in range(9)))
    understood = replace(leak.understood, model=HOSTILE, class_names=names, notes=("n" * 300, HOSTILE))
    shown = replace(leak, understood=understood)

    def go(width=1200, scheme="light", html=None):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, reduced_motion="reduce"
        )
        contexts.append(context)
        opened = context.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("dialog", lambda dialog: (complaints.append("a script ran"), dialog.dismiss()))
        (tmp_path / "audit.html").write_text(html or page(shown), encoding="utf-8")
        opened.goto((tmp_path / "audit.html").as_uri())
        return opened

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 1600])
def test_the_page_is_no_wider_than_the_window(opened, width, scheme):
    shown = opened(width, scheme)
    shown.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.locator("table").count() == 4


def test_wide_tables_are_scrolled_to_the_end_on_a_phone(opened):
    shown = opened(PHONE)
    table = shown.locator(".scroll", has_text="attacker has")
    assert table.evaluate("(one) => one.scrollWidth > one.clientWidth")
    assert table.evaluate("(one) => { one.scrollLeft = 9999; return one.scrollLeft > 0; }")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(opened, scheme):
    shown = opened(1200, scheme)
    shown.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    found = shown.evaluate(CONTRAST)
    assert len(found) > 100
    assert [words for contrast, words in found if contrast < READABLE] == []


def test_nothing_of_a_file_is_run_and_the_answer_is_what_is_read_first(opened):
    shown = opened()
    assert shown.title().startswith("Leak: audit of <script>")
    assert shown.locator("script, img").count() == 0
    first = shown.locator("main .answer p").first
    assert first.text_content().startswith("Leak: ")
    assert first.bounding_box()["y"] < 400


def test_in_a_notebook_it_stands_in_a_frame_that_shows_the_same(opened, leak):
    shown = opened(html=f"<!DOCTYPE html><body>{fragment(leak)}</body>")
    frame = shown.frame_locator("iframe")
    assert frame.locator("main .answer p").first.text_content().startswith("Leak: ")
    assert frame.locator("table").count() == 4
