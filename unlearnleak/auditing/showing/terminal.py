"""An audit's answer on a terminal: the answer first, then what it rests on."""

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table

from unlearnleak.auditing.result import Answer, Attacked
from unlearnleak.auditing.showing import words
from unlearnleak.machine.printable import plain
from unlearnleak.report.tables.terminal import READABLE, Column, Sheet, console

COLOURS = {"silent": "bold green", "leak": "bold red", "not judged": "bold yellow"}
MOST_CLASSES = 20
"""Classes whose scores a terminal shows; the page has more, audit.json all."""


def show(result: Answer) -> None:
    """Print the answer."""
    on = console()
    width = min(on.width, READABLE)
    for part in parts(result):
        on.print(part, width=width, markup=False, highlight=False)


def text(result: Answer) -> str:
    """The answer as plain lines."""
    into = io.StringIO()
    on = Console(file=into, width=READABLE, color_system=None)
    for part in parts(result):
        on.print(part, markup=False, highlight=False)
    return "\n".join(line.rstrip() for line in into.getvalue().splitlines())


def parts(result: Answer) -> Iterator[RenderableType]:
    """The answer, part by part."""
    yield plain(words.HEADLINES[result.status], COLOURS[result.status])
    yield from (plain(sentence) for sentence in result.answer)
    yield ""
    yield plain("What was understood", "bold")
    yield pairs(words.facts(result.understood))
    yield from (Padding(plain(f"! {note}", "yellow"), (0, 0, 0, 2)) for note in result.understood.notes)
    yield ""
    yield attacks(result)
    yield plain(
        "names: classes taken for forgotten. counts: whether the answer rests on it. alarms: copies of this model "
        "that forgot nothing, on which something was named. found: copies without one class, whose verdict was "
        "exactly that. controls: alarms on the project's own models that forgot nothing.",
        "dim",
    )
    if found := words.kinds(result):
        yield ""
        columns = [Column("attack / screening", words=True, left=True), *map(Column, found.columns)]
        yield Sheet("Alarms on models that forgot nothing", columns, [[name, *cells] for name, cells in found.rows])
        yield plain(
            f"What these had learnt: {found.legend} Whoever names classes of them takes that for unlearning.", "dim"
        )
    if told := list(reasons(result)):
        yield ""
        yield from told
    if scores := scored(result):
        yield ""
        yield scores
    yield ""
    yield plain("How far to trust it", "bold")
    yield from (plain(f"- {sentence}") for sentence in result.trust)


def pairs(lines: Iterator[tuple[str, str]]) -> Table:
    """Names and values."""
    table = Table(box=None, padding=(0, 2, 0, 2), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(plain(name), plain(value))
    return table


def attacks(result: Answer) -> Sheet:
    """The attacks that ran, those that count first."""
    ran = sorted((one for one in result.attacks if one.state == "ran"), key=lambda one: not one.counts)
    columns = [
        Column("attack / screening", words=True, left=True),
        Column("names", left=True),
        Column("counts", left=True),
    ]
    columns += [Column("alarms"), Column("found"), Column("controls")]
    columns += [Column("truth", left=True)] if result.truth is not None else []
    rows = []
    for one in ran:
        known = one.calibration
        row = [one.name, words.classes(one.named), "yes" if one.counts else "no"]
        row += [words.share(each) for each in (known.false_alarms, known.found, known.controls)]
        rows.append([*row, words.evaluation(one)] if result.truth is not None else row)
    return Sheet("Attacks", columns, rows)


def reasons(result: Answer) -> Iterator[RenderableType]:
    """Why attacks do not count or did not run, and what was changed in their settings."""
    doubted: dict[str, list[str]] = {}
    for one in result.attacks:
        if one.state == "ran" and one.reason:
            doubted.setdefault(one.reason, []).append(one.name)
    for title, found in (
        ("Does not count", doubted),
        ("Did not run", words.unable(result)),
        ("Copies", words.notes(result)),
        ("Other settings than usual", words.changes(result)),
    ):
        if found:
            yield plain(title, "bold")
            yield from (Padding(plain(f"{', '.join(names)}: {why}."), (0, 0, 0, 2)) for why, names in found.items())


def short(one: Attacked, among: Sequence[Attacked]) -> str:
    """An attack's word; its screening where it stands there twice."""
    return one.attack if [each.attack for each in among].count(one.attack) == 1 else str(one.screening)


def scored(result: Answer) -> Sheet | None:
    """Each class's accuracy and scores; the likeliest classes alone where there are many."""
    counted = result.counted or tuple(one for one in result.attacks if one.state == "ran")[:3]
    u, K = result.understood, result.understood.num_classes
    if not counted:
        return None
    first = counted[0].scores or ()
    order = sorted(range(K), key=lambda c: (c not in result.classes, -(first[c] or 0.0) if first[c:] else 0.0, c))
    chosen = sorted(order[:MOST_CLASSES]) if K > MOST_CLASSES else list(range(K))
    columns = [
        Column("class", words=True, left=True),
        Column("acc. %"),
        *(Column(short(one, counted)) for one in counted),
    ]
    rows = []
    for c in chosen:
        label = f"{c} {u.class_names[c]}" if u.class_names else str(c)
        accuracy = u.accuracy_per_class[c] if u.accuracy_per_class else None
        scores = [one.scores[c] if one.scores else None for one in counted]
        mark = [
            f"{value:.3g}{'*' if c in one.named else ' '}" if value is not None else "- "
            for one, value in zip(counted, scores, strict=True)
        ]
        rows.append([label, words.percent(accuracy, 0), *mark])
    title = "Scores: larger is more likely forgotten; * is named"
    return Sheet(title if len(chosen) == K else f"{title}; {len(chosen)} of {K} classes", columns, rows)
