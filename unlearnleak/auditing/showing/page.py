"""The page of an audit: one HTML file that needs no other, no network and no script; in a notebook its body.

It looks like the report's page, whose style it takes. All text is escaped by Jinja and control characters are written
out, and the page's policy lets nothing be run or loaded.
"""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from unlearnleak.auditing.result import Answer, Attacked, Rate
from unlearnleak.auditing.showing import words
from unlearnleak.report.page.render import FILES as REPORT
from unlearnleak.report.page.render import templates_in

FILES = Path(__file__).parent / "files"
MOST_CLASSES = 100
"""Classes whose scores the page shows."""


def page(result: Answer) -> str:
    """The page as text."""
    own = [REPORT.joinpath("page.css"), FILES.joinpath("audit.css")]
    style = "\n".join(file.read_text(encoding="utf-8") for file in own)
    return templates().get_template("audit.html").render(result=result, body=Markup(body(result)), style=Markup(style))


def fragment(result: Answer) -> str:
    """The answer for a notebook, in a frame of its own, so that its style touches nothing else."""
    framed = str(Markup.escape(page(result)))
    return f'<iframe sandbox srcdoc="{framed}" style="width: 100%; height: 40rem; border: 0"></iframe>'


def body(result: Answer) -> str:
    """What the page says."""
    ran = sorted((one for one in result.attacks if one.state == "ran"), key=lambda one: not one.counts)
    others = [
        ("Did not run", words.unable(result)),
        ("How copies were asked", words.notes(result)),
        ("Other settings than usual", words.changes(result)),
    ]
    return templates().get_template("body.html").render(
        result=result,
        headline=words.HEADLINES[result.status],
        facts=list(words.facts(result.understood)),
        ran=ran,
        others=others,
        scoring=ran,
        scores=scores(result, ran),
        kinds=words.kinds(result),
    )  # fmt: skip


def scores(result: Answer, ran: list[Attacked]) -> list[dict[str, Any]]:
    """A row for each class; the likeliest of many."""
    u = result.understood
    if not ran:
        return []
    first = ran[0].scores or (None,) * u.num_classes

    def rank(c: int) -> tuple[bool, float]:
        value = first[c]
        return c not in result.classes, -value if value is not None else 1e30

    rows = []
    for c in sorted(sorted(range(u.num_classes), key=rank)[:MOST_CLASSES]):
        values = [(one.scores[c] if one.scores else None, c in one.named) for one in ran]
        rows.append(
            {
                "label": f"{c} {u.class_names[c]}" if u.class_names else str(c),
                "images": u.images_per_class[c] if u.images_per_class else "-",
                "accuracy": words.percent(u.accuracy_per_class[c] if u.accuracy_per_class else None),
                "scores": [("-" if value is None else f"{value:.4g}", named) for value, named in values],
            }
        )
    return rows


def rate(value: Rate | None) -> str:
    """A share with its interval."""
    if value is None:
        return "-"
    low, high = value.interval
    interval = Markup("<small>{:.0f} to {:.0f} %</small>").format(100 * low, 100 * high)
    return Markup("{} of {}<br>{}").format(value.count, value.n, interval)


@cache
def templates() -> jinja2.Environment:
    """The templates, with what they say numbers with."""
    environment = templates_in(FILES)
    environment.filters |= {"rate": rate, "classes": words.classes, "percent": words.percent}
    environment.filters |= {"numbers": words.numbers, "evaluation": words.evaluation}
    return environment
