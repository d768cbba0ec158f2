"""Write a page of results: python docs/results.py docs/results/NAME.md RUNS...

NAME.csv has every run. What the page says about them is written by hand and stays; below the line MARK all tables are
made from that CSV, so that whoever has it can make them again.
"""

import argparse
import io
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from unlearnleak.analysis.groups import group
from unlearnleak.analysis.recovered import recoveries
from unlearnleak.analysis.shuffle import shuffled
from unlearnleak.config.objective import JUDGED, RANKED, RECOVERED
from unlearnleak.errors import UserError
from unlearnleak.papers.label_leakage.show import markdown as paper_markdown
from unlearnleak.papers.label_leakage.tables import lines
from unlearnleak.report.tables.evaluated import legends
from unlearnleak.report.tables.evaluated import markdown as evaluated
from unlearnleak.report.tables.leaks import PIVOTS, gates, pivot
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.report.tables.recovered import LEGEND
from unlearnleak.report.tables.recovered import markdown as recovered
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs, to_csv
from unlearnleak.runs.rows import EVALUATION
from unlearnleak.runs.strengths import with_strengths
from unlearnleak.store.whole_file import write_file

MARK = "<!-- Made by docs/results.py from here on. -->"
SECTIONS = {
    "exact": (
        "Exact verdicts",
        "Blind verdicts that name the forgotten set itself, of n, with the 95 % Wilson interval in percent. For the "
        "control (none), verdicts that name nothing: all others are false alarms. On models that forgot nothing and "
        "learnt something badly there may be more ([controls](controls.md)).",
    ),
    "rank": ("Ranking", "Runs in which every forgotten class scores above every retained one, in %."),
    "luck": (
        "Ranking, against luck",
        "Models whose forgotten classes score above every retained one, of n; in parentheses how many would by luck, "
        "and the one-sided p value: the forgotten classes are permuted over the models of a cell, so that an attack "
        "which always ranks one class first gains nothing by its being drawn often. Not adjusted.",
    ),
    "ASR": (
        "ASR, blind",
        'Mean, in %. The constant answer "nothing was forgotten" has 90 % for one class of ten, 70 % for three and '
        "100 % for the control.",
    ),
    "publ.": (
        "ASR as published",
        "The paper's protocol on the same evidence, in %: for parameter attacks the separability of heads whose group "
        "is known, for inversion attacks its own reading of the prediction vectors. Heads on standardised features at "
        "a rate of 5, which older pages have, nearly all separate; on raw features at 0.001 the paper's figures come "
        "back ([published](published.md)).",
    ),
    "placebo": (
        "ASR as published, of nothing",
        "The same protocol where as many classes that were not forgotten are called so, in %.",
    ),
}
COLUMNS = (
    "dataset,num_classes,model,unlearner,attack,screening,forgotten,"
    "seed_data,seed_forget,seed_original,seed_unlearning,seed_attack,"
    "asr,exact_match,balanced_accuracy,precision,recall,f1,auroc,forgotten_ranked_first,asr_constant,asr_published,"
    "asr_published_placebo,forget_acc,retain_acc,original_forget_acc,original_retain_acc,gate,verdict,queries,"
    "seconds_original,seconds_unlearned,seconds_evidence,scores,settings,key_original,key_unlearned,job,revision"
)

LATER = {"defense": "none", "forget_level": "class", "forget_share": 1, "forget_samples": None}
LATER |= {"finetuning_samples": None, "sees_target": None, "sees_original": None, "detection_score": None}
LATER |= {"held": None, "not_judged": None}
"""Columns of pages with more than whole classes and undefended models, and what stands there otherwise."""
ATTACKER = r" \(attacker: .*\)$"
"""What a method is followed by where an attacker holds other samples (`runs.words.method`)."""
NOT_JUDGED = (
    "A verdict that leaves a class unjudged is not exact, of a control either, and is no alarm (`not_judged` in the "
    "CSV)."
)
OF_VERDICTS = {*JUDGED, *RANKED, "verdict", "scores"}
"""Columns that runs which judge no class do not have."""


def as_the_paper(runs: list[dict[str, Any]]) -> bool:
    """Whether whole classes were forgotten, no model was defended or tuned, and nothing measured but a verdict."""
    evaluated = any(run.get("evaluation") for run in runs)
    return not evaluated and not any_other(runs, "defense", "forget_level", "finetuning_samples", "held")


def in_part(runs: list[dict[str, Any]]) -> bool:
    """Whether parts of classes were forgotten, or images of a fine-tuning stage: there rankings are not all right."""
    return any_other(runs, "forget_level", "finetuning_samples")


def any_other(runs: list[dict[str, Any]], *names: str) -> bool:
    """Whether a run has something else in one of these columns than pages of whole classes and undefended models."""
    return any(run.get(name) not in (None, LATER[name]) for run in runs for name in names)


def columns_of(runs: list[dict[str, Any]]) -> list[str]:
    """The columns of a page's CSV."""
    if as_the_paper(runs) and any(run["forgotten"] for run in runs):  # controls alone have no ranks
        before = any(run.get("sees_original") not in (None, "nothing") for run in runs)
        return [*COLUMNS.split(","), *(["sees_original"] if before else [])]
    settings = [setting for run in runs for setting in (run.get("defense_settings") or {}).items()]
    strengths = {f"defense_{name}" for name, value in settings if value is not None}
    told = [name for name in (*LATER, "key_defended", *RECOVERED) if any(run.get(name) is not None for run in runs)]
    told += list(dict.fromkeys(f"{EVALUATION}{name}" for run in runs for name in kept(run.get("evaluation") or {})))
    told += ["key_evaluation"] if any(run.get("key_evaluation") for run in runs) else []
    known = {name for run in runs for name in OF_VERDICTS if run.get(name) is not None}
    columns = [name for name in COLUMNS.split(",") if name in known or name not in OF_VERDICTS]
    return [*columns, *told, *sorted(strengths)]


def kept(evaluation: dict[str, Any]) -> list[str]:
    """What a CSV keeps of an evaluation."""
    return [name for name in evaluation if name != "settings"]


def unlearning(runs: "pd.DataFrame") -> str:
    """A line per data set, unlearner with its defence, and number of classes; every model once."""
    runs = runs.sort_values(["attack", "screening", "settings"], kind="stable")  # one attack for all models
    model = runs["key_unlearned"].mask(runs["unlearner"] == "none", runs["key_original"])
    if "key_defended" in runs:
        model = runs["key_defended"].fillna(model)
    method = runs["method"].str.replace(ATTACKER, "", regex=True)  # a model is the same for all of them
    merged = runs.assign(attack="", screening="", method=method)[~model.duplicated(keep="last")]
    header = ["data set", "unlearner", "classes", "models", "forget_acc", "highest", "retain_acc", "original", "gate"]
    body = [
        [
            *(dataset, unlearner, count, str(len(members)), PIVOTS["forget"](members)),
            *(f"{100 * members['forget_acc'].max():.1f}", PIVOTS["retain"](members)),
            *(f"{100 * members['original_retain_acc'].mean():.1f}", gates(members)),
        ]
        for (dataset, _, _, unlearner, count), members in group(merged, None)
    ]
    return markdown_lines(header, body)


def tables(runs: list[dict[str, Any]]) -> str:
    """All tables."""
    runs = with_strengths(runs)
    frame = framed(runs)
    parts = [
        "## Unlearning\n\nMean test accuracy on the forgotten classes (and the highest of any model) and on the "
        "retained ones, after unlearning and, for the latter, of the originals, in %; models that pass the gate.",
        unlearning(frame),
    ]
    if recoveries(frame):
        parts += [f"## Recovered images\n\n{LEGEND}", recovered(frame)]
    if said := legends(frame):
        parts += ["## Evaluations\n\n" + " ".join(said), evaluated(frame)]
    if frame["exact_match"].isna().all():
        return "\n\n".join(parts)
    for column, (title, text) in SECTIONS.items():
        if column == "luck" and not in_part(runs):
            continue
        note = f" {NOT_JUDGED}" if column == "exact" and any(run.get("not_judged") for run in runs) else ""
        parts += [f"## {title}\n\n{text}{note}", pivot(frame, column)]
    parts += [
        "## Shuffled truth\n\nExact verdicts, judged against forgotten classes drawn at random (`--shuffle-truth 0`): "
        "what chance gives, 10 % for one class of ten and 0.8 % for three. It shows no leak of the truth: an attacker "
        "who had seen it would score the same here.",
        pivot(framed(shuffled(runs, 0)), "exact"),
    ]
    if as_the_paper(runs):
        told = "## Beside the paper's tables\n\n`unlearnleak paper` explains the columns."
        parts += [told, paper_markdown([line for line in lines(frame) if line.runs])]
    return "\n\n".join(parts)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--called", help="the data set's name on the page, where its images are not what it says")
    arguments = parser.parse_args()
    found = load_runs(arguments.runs)
    runs = [run for run in found if run["status"] == "done"]
    if left_out := [run for run in found if run["status"] not in ("done", "skipped")]:
        parser.error(
            f"{len(left_out)} runs are not done, {left_out[0]['directory']} among them; finish the sweep first"
        )
    if arguments.called:
        runs = [run | {"dataset": arguments.called} for run in runs]
    rows, text = arguments.page.with_suffix(".csv"), io.StringIO()
    to_csv(runs, text, columns_of(runs))
    by_hand = arguments.page.read_text(encoding="utf-8").partition(MARK)[0] if arguments.page.exists() else ""
    try:
        write_file(rows, text.getvalue().encode(), "PAGE")
        write_file(arguments.page, f"{by_hand}{MARK}\n\n{tables(load_runs([rows]))}\n".encode(), "PAGE")
    except UserError as error:
        parser.error(str(error))
    print(f"{len(runs)} runs in {arguments.page} and its CSV", file=sys.stderr)


if __name__ == "__main__":
    main()
