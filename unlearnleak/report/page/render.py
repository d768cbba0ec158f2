"""The page: one HTML file that needs no other, no network and no script to be read.

Everything that comes from runs is escaped by Jinja, and control characters are written out (`written`); the page's own
policy lets no script run but its own (named by its hash) and nothing be loaded.
"""

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

import unlearnleak
from unlearnleak.analysis.groups import FEW, WORDS
from unlearnleak.analysis.numbers import bounds, classes, of, percent
from unlearnleak.figure.chart import Chart
from unlearnleak.figure.evidence import PREDICTION, attacks_of
from unlearnleak.figure.svg import NAMES, inline
from unlearnleak.machine.printable import LINES, printable
from unlearnleak.report.gathered import Report
from unlearnleak.report.page.details import Pictures, choose, detail, uses
from unlearnleak.report.page.facts import duration, facts, failures
from unlearnleak.report.page.findings import findings, recoverers, warnings
from unlearnleak.report.tables.evaluated import sections
from unlearnleak.report.tables.recovered import cells
from unlearnleak.runs.stages import seconds, stages_of
from unlearnleak.runs.stored import Stores
from unlearnleak.runs.words import method

if TYPE_CHECKING:
    from unlearnleak.figure.chart import Mark

FILES = Path(__file__).parent / "files"
Run = dict[str, Any]
PANELS = 6
"""Panels of a figure that the page shows; the files for papers have all."""


def render(report: Report, stores: Stores, *, pictures: int | None, files: bool) -> str:
    """The page as text.

    Args:
        pictures: runs whose images and curves are shown; None shows all.
        files: whether the files for papers lie beside the page.
    """
    picturing = {*attacks_of(PREDICTION, report.frame, stores), *(one.attack for one in report.recoveries)}
    places = choose(report.frame, pictures, picturing)
    chosen = {id(report.runs[place]) for place in places}
    drawer = Pictures(stores, chosen)
    anchors = {id(run): f"run-{number}" for number, run in enumerate(report.runs, 1)}
    users = uses(report.runs)
    script = FILES.joinpath("page.js").read_text(encoding="utf-8")
    return template().render(
        report=report,
        facts=facts(report.runs),
        failures=failures(report.runs),
        findings=findings(report.summaries),
        warnings=warnings(report),
        detected=detected(report),
        recovered=[(one, *cells(one)) for one in report.recoveries],
        measured=sections(report.measured),
        recoverers=recoverers(report.recoveries),
        figures=[figure(chart, f"figure-{number}") for number, chart in enumerate(laid_out(report.charts))],
        bars=[figure(chart, f"bars-{number}") for number, chart in enumerate(report.asr_charts)],
        anchors=anchors,
        details=[detail(run, anchors[id(run)], drawer, users) for run in report.runs],
        shown_pictures=len(chosen),
        files=files,
        style=Markup(FILES.joinpath("page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        version=unlearnleak.__version__,
    )


def detected(report: Report) -> dict[tuple[str, ...], dict[Any, Any]]:
    """Lines of `analysis.detection` by the words of a matrix's cell, where models and controls are FEW or more."""
    told = report.detections[report.detections[["n", "n_control"]].min(axis=1) >= FEW]
    return {tuple(str(line[word]) for word in WORDS): line for line in told.to_dict("records")}


def templates_in(folder: Path) -> jinja2.Environment:
    """The templates of a folder; what they write is escaped and printable, and an unknown name is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=written,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template() -> jinja2.Template:
    """The page's template, with what it says numbers with."""
    environment = templates_in(FILES)
    environment.filters |= {"percent": percent, "bounds": bounds, "of": of, "state": state, "spent": spent}
    environment.filters |= {"ident": id, "classes": classes, "method": method}
    environment.filters |= {"cost": cost, "duration": duration, "drawing": Markup}
    environment.globals |= {"variable": variable, "bounds_of": lambda change: bounds(change.interval, 1)}
    return environment.get_template("page.html")


def written(value: Any) -> Any:
    """What is written of a value: text, paths among it, without what a terminal or an encoding would stumble over."""
    return printable(value, keep=LINES) if isinstance(value, str | Path) and not isinstance(value, Markup) else value


def laid_out(charts: list[Chart]) -> list[Chart]:
    """Small figures first, which stand side by side, then wide ones; what could not be drawn last."""
    return sorted(charts, key=lambda chart: (not chart.panels, len(chart.panels) > 1))


def figure(chart: Chart, name: str) -> dict[str, Any]:
    """A chart with its panels drawn."""
    panels = [
        {"svg": Markup(inline(panel, f"{name}-{number}")), "panel": panel}  # made by matplotlib alone
        for number, panel in enumerate(chart.panels[:PANELS])
    ]
    return {"chart": chart, "panels": panels, "name": name}


def variable(mark: "Mark") -> str:
    """The CSS variable of a mark's colour."""
    return NAMES[mark.colour]


def state(run: Run) -> str:
    """How a run stands, the gate included: a model that was not unlearned well must not look like one that was."""
    if run["status"] == "done" and run["gate"] in ("failed", "control"):
        return "gate failed" if run["gate"] == "failed" else "control"
    return str(run["status"])


def cost(run: Run) -> float | None:
    """Seconds that the run's stages took when they were computed; None where one does not say. Not to be added up over
    runs, which share stages.
    """
    named = stages_of(run)
    known = [took for stage in named if (took := seconds(run, stage)) is not None]
    whole = {"data", "verdict"} <= set(named)  # the first and the last: a CSV may keep some columns only
    return sum(known) if whole and len(known) == len(named) else None


def spent(run: Run) -> str:
    """The same for people."""
    took = cost(run)
    return "-" if took is None else duration(took)
