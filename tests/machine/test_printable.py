"""What others wrote is shown, and never acted on."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from unlearnleak.machine.printable import plain, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lenet", "lenet"),
        ("Köln 日本 é ß 🙂", "Köln 日本 é ß 🙂"),
        ("a\xa0b　c", "a\xa0b　c"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("one\r\ntwo\tthree\x0b", r"one\r\ntwo\tthree\x0b"),
        ("txt\u202efdp", r"txt\u202efdp"),
        ("a\u2028b\ufeff\u200b", r"a\u2028b\ufeff\u200b"),
        ("name\udcff", r"name\udcff"),
        (None, "None"),
    ],
)
def test_nothing_is_left_that_a_terminal_acts_on(text, shown):
    assert printable(text) == shown


def test_line_ends_stay_where_they_are_asked_for():
    assert printable("a\n\tb\x1b", keep="\n\t") == "a\n\tb\\x1b"


@pytest.mark.parametrize("text", ["x[/y]", "[lenet]", "[red]a[/red]", "[link=file:///a]b[/link]", "\\[a]"])
def test_rich_takes_nothing_for_markup(text):
    out = io.StringIO()
    Console(file=out, width=80).print(plain(text), highlight=False)
    assert out.getvalue() == f"{text}\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_letters_that_an_encoding_lacks_are_written_as_escapes(stream, encoding):
    code = f"""
import sys
from unlearnleak.machine.printable import write_any_letter
write_any_letter()
print("K\\u00f6ln \\u65e5 \\udcff", file=sys.{stream})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={"PYTHONIOENCODING": encoding}, check=True
    )
    named = r"K\xf6ln \u65e5 \udcff" if encoding == "ascii" else r"Köln 日 \udcff"
    assert getattr(done, stream).decode(encoding).rstrip("\r\n") == named


def test_a_closed_output_is_no_error():
    code = "from unlearnleak.machine.printable import write_any_letter; write_any_letter()"
    done = subprocess.run(["sh", "-c", f"{sys.executable} -c '{code}' >&-"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
