"""Tables at any width: every number whole, every column there."""

import io
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.report.made import run, write_run
from unlearnleak.cli.commands import main
from unlearnleak.report.tables import terminal
from unlearnleak.report.tables.leaks import COLUMNS, sheets, table
from unlearnleak.report.tables.terminal import Column, Sheet
from unlearnleak.runs.frame import framed

README = Path(__file__).resolve().parents[3] / "README.md"


def printed(sheet: Sheet, width: int) -> list[str]:
    out = io.StringIO()
    terminal.show(Console(file=out, width=width), sheet)
    return [line.rstrip() for line in out.getvalue().splitlines()]


word = st.text(st.characters(whitelist_categories=("Lu", "Ll", "Nd"), max_codepoint=0x3FF), min_size=1, max_size=12)


@given(st.data(), st.integers(1, 3), st.integers(1, 6), st.integers(1, 100))
def test_at_any_width_every_number_is_whole_and_under_its_name(data, words, numbers, width):
    columns = [Column(f"name{i}", words=True, left=data.draw(st.booleans())) for i in range(words)]
    columns += [Column(f"n{i}", data.draw(st.integers(0, 20))) for i in range(numbers)]
    body = [
        [" ".join(data.draw(st.lists(word, max_size=3))) for _ in range(words)]
        + [f"{line}.{i}{'5' * data.draw(st.integers(0, 12))}/{line} [0, 9]" for i in range(numbers)]
        for line in range(3)
    ]
    lines = printed(Sheet(title="a table", columns=columns, rows=body), width)
    text = " ".join(" ".join(lines).split())
    for line in body:
        for cell in line[words:]:
            assert cell in text
        for part in " ".join(line[:words]).split():
            assert part in text
    for i in range(numbers):
        assert f" n{i}" in text
    assert "…" not in text
    if width >= 60:  # three words of twelve letters and a number
        assert max(map(cell_len, lines)) <= width


def test_names_and_numbers_are_in_one_line_where_they_fit_and_in_blocks_with_the_words_where_not():
    columns = [Column("classes", words=True, left=True), Column("ASR", 8), Column("exact", 8), Column("gate", 8)]
    sheet = Sheet(title="digits", columns=columns, rows=[["rt 1", "100.0", "208/208", "207/208"]])
    assert printed(sheet, 37) == [
        "digits",
        "classes       ASR     exact      gate",
        "rt 1        100.0   208/208   207/208",
    ]
    assert printed(sheet, 36) == ["digits", "classes   ASR   exact    gate", "rt 1    100.0 208/208 207/208"]
    assert printed(sheet, 24) == [
        *("digits", "classes   ASR   exact", "rt 1    100.0 208/208"),
        *("", "classes    gate", "rt 1    207/208"),
    ]
    assert printed(sheet, 14) == ["digits", "classes rt 1", "ASR     100.0", "exact   208/208", "gate    207/208"]


def test_words_are_broken_where_that_makes_one_block_and_stay_whole_in_several():
    columns = [Column("classes", words=True, left=True), Column("exact"), Column("rank"), Column("gate")]
    sheet = Sheet(title="t", columns=columns, rows=[["rt 5e771465    1", "208/208", "98.5", "207/208"]])
    head, *rest = printed(sheet, 30)[1:]
    assert (head.split(), rest[1:]) == (["classes", "exact", "rank", "gate"], ["5e771465", "1"])
    assert printed(sheet, 28)[1:3] == ["classes            exact", "rt 5e771465    1 208/208"]


def test_a_first_word_that_is_repeated_is_left_out_of_a_table_and_not_of_a_list():
    columns = [Column("data set", words=True, left=True), Column("ASR")]
    sheet = Sheet(title="t", columns=columns, rows=[["mnist", "1.0"], ["mnist", "2.0"]], gap=1, ditto=True)
    assert printed(sheet, 20)[1:] == ["data set ASR", "mnist    1.0", "         2.0"]
    assert [line for line in printed(sheet, 5) if "mnist" in line] == ["data set mnist"] * 2


@pytest.fixture(params=range(1, 5), ids="{} settings".format)
def various(request):
    """208 runs of each kind, of so many settings, whose models failed the gate."""
    return [
        run(dataset=dataset, unlearner=unlearner, settings=f"5e77146{settings}", gate="failed", forgotten=[*range(100)])
        for dataset in ("digits", "a_very_long_name_of_a_data_set_of_somebody's_own_with_100_classes")
        for unlearner in ("rt", "none_of_the_known")
        for settings in range(request.param)
        for _ in range(208)
    ]


def test_the_table_has_every_cell_at_every_width(various):
    frame = framed(various)
    sections, told = sheets(frame), table(frame).values.tolist()
    for width in (40, 60, 80, 120, terminal.NO_TERMINAL):
        lines = [line for sheet in sections for line in printed(sheet, width)]
        text = " ".join(" ".join(lines).split())
        for _, _, _, unlearner, count, *cells in told:
            for shown in (*unlearner.split(), count, *cells):
                assert f" {shown} " in f"{text} "
        assert "208/208 [98, 100]" in text
        heads = " ".join(line for line in lines if line.startswith("classes")).split()
        assert [name for name in COLUMNS if name in heads] == list(COLUMNS)
        assert {cell for line in lines for cell in line.split() if cell.startswith("0/")} == {"0/208"}
        assert max(map(len, lines)) <= max(width, 80)


@pytest.mark.parametrize("width", ["80", ""], ids=["80 columns", "a pipe"])
def test_the_demos_table_is_as_readme_prints_it(tmp_path, monkeypatch, capsys, width):
    section = README.read_text().split("```text\ndigits: param_dot / youden\n")[1].split("\n\n")[0].splitlines()
    for line in section[1:]:
        unlearner, _, asr, constant, published, exact, rank, forget, retain, gate = line.split()
        rates = {"asr": asr, "asr_constant": constant, "asr_published": published}
        rates |= {"forgotten_ranked_first": rank, "forget_acc": forget, "retain_acc": retain}
        numbers = {key: None if text == "-" else float(text) / 100 for key, text in rates.items()}
        control = {"gate": "control", "forgotten": []} if gate == "control" else {}
        told = {"unlearner": unlearner, "exact_match": float(exact[0])} | control
        write_run(tmp_path / unlearner, **told, **numbers)
    monkeypatch.setenv("COLUMNS", width)
    assert main(["table", str(tmp_path)]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:9] == ["digits: param_dot / youden", *section, ""]
    assert lines[9].startswith("classes: the unlearner and how many were forgotten.")
    assert max(map(len, lines[:-1])) <= 80


@pytest.mark.parametrize("width", [terminal.NO_TERMINAL, 200, 33])
def test_sentences_are_broken_between_words_and_no_line_ends_in_a_space(width):
    sentences = "What the columns of a table mean is said below it. " * 5
    out = io.StringIO()
    terminal.say(Console(file=out, width=width), sentences)
    lines = out.getvalue().splitlines()
    assert " ".join(lines).split() == sentences.split()
    assert not [line for line in lines if line.endswith(" ")]
    assert max(map(len, lines)) <= (terminal.READABLE if width == terminal.NO_TERMINAL else width)
    assert len(lines) > 1


def test_a_pipe_has_no_edge_and_paths_are_never_broken(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    folder = tmp_path / ("a folder with a long name " * 5)
    for settings in "ab":
        write_run(folder / settings, settings=settings * 8, asr=0.123)
    write_run(folder / "c", "failed", "ValueError: " + "because of this " * 20)
    assert main(["table", str(folder)]) == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("rt aaaaaaaa")]
    assert line.split() == ["rt", "aaaaaaaa", "1", "12.3", "90.0", "-", "1/1", "100.0", "0.0", "95.0", "1/1"]
    assert f"  failed: {folder / 'c'}: ValueError: {'because of this ' * 20}".strip() in out
    assert f"3 runs in {folder}: 2 done, 1 failed" in out


def test_a_verdict_without_a_truth_is_shown_below_the_tables(tmp_path, capsys):
    nothing = dict.fromkeys(("asr", "asr_constant", "exact_match"))
    place = write_run(tmp_path / "runs" / "a", gate="unknown", forgotten=[], verdict=[1, 3], **nothing)
    assert main(["table", str(tmp_path / "runs")]) == 0
    told = capsys.readouterr().out
    assert "1 skipped" in told
    assert f"{place}: verdict 1, 3; nobody says what was forgotten" in told


@pytest.mark.parametrize("columns", ["0", "", "x", "-5"])
def test_a_width_that_is_none_is_no_width(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.console().width == terminal.NO_TERMINAL


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash is installed")
@pytest.mark.parametrize("redirection", [">&-", "| true"], ids=["closed", "a reader that has gone"])
def test_an_output_that_is_not_there_is_no_failure(tmp_path, redirection):
    write_run(tmp_path / "a")
    command = "import sys; from unlearnleak.cli.commands import main; sys.exit(main(sys.argv[1:]))"
    words = shlex.join([sys.executable, "-u", "-c", command, "table", str(tmp_path)])
    script = f"set -o pipefail; {words} {redirection}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
