"""A document shows what runs say, and does nothing of it."""

import pytest

from unlearnleak.report.tables.markdown import cell, markdown_lines


@pytest.mark.parametrize(
    "text", ["param_dot / youden", "19/20 [76, 99]", "rt 5e771465", "18/20*", "-", "97.8", 'a "b" (c)']
)
def test_ordinary_cells_stay_as_they_are(text):
    assert cell(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        (r"a\|b", r"a\\\|b"),
        ("a\nb", r"a\\nb"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("![x](http://a/b.png)", r"![x]\(http://a/b.png)"),
        ("&lt;", "&amp;lt;"),
        ("`a` *b* ~~c~~ $d$", r"\`a\` \*b* \~\~c\~\~ \$d\$"),
        ("\x1b[2J", r"\\x1b[2J"),
    ],
)
def test_markup_is_shown(text, shown):
    assert cell(text) == shown


def test_a_table_keeps_its_cells_and_lines():
    table = markdown_lines(["a|b", "c"], [["d\n| e", "<b>"]])
    assert table == "| a\\|b | c |\n| --- | --- |\n| d\\\\n\\| e | &lt;b&gt; |"
