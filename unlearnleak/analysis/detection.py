"""Was anything forgotten at all? Unlearned models held against controls, by each run's strongest score."""

from typing import TYPE_CHECKING

from unlearnleak.analysis.groups import WORDS, cases
from unlearnleak.metric.detection import detection_auroc
from unlearnleak.metric.interval import auroc_interval

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

COLUMNS = [*WORDS, "model", "auroc", "low", "high", "n", "n_control", "originals", "originals_control"]
ATTACKED = ["dataset", "model", "attack", "screening", "defense", "strength", "finetuning_samples"]
"""What a control has in common with the models that it is held against."""


def detections(runs: "pd.DataFrame") -> "pd.DataFrame":
    """The AUROC of each group's `detection_score` over its unlearned models and the controls, columns COLUMNS.

    A control forgot nothing and stands behind the same defence; each control model counts once. Where the controls are
    of several settings nobody can say which of them belong to a group, and it has no line. `low` and `high` are
    Newcombe's interval (`metric.interval.auroc_interval`) with as many observations on a side as there are original
    models: what several targets of one original say together counts as one, which is on the safe side.
    """
    import pandas as pd  # noqa: PLC0415

    known = cases(runs).dropna(subset=["detection_score"])
    known = known.assign(defense=known["defense"].fillna("none"), strength=known["strength"].fillna(""))
    known["finetuning_samples"] = known["finetuning_samples"].fillna(0)
    control = known[known["gate"] == "control"]
    twice = ["original", *(name for name in ("seeds.unlearning",) if name in control)]
    controls = {key: of.drop_duplicates(twice) for key, of in control.groupby(ATTACKED)}
    lines = []
    for words, of in known[known["gate"] != "control"].groupby([*WORDS, *ATTACKED[1:2], *ATTACKED[4:]], sort=False):
        dataset, attack, screening, _, _, model, *defended = words
        silent = controls.get((dataset, model, attack, screening, *defended))
        if silent is None or silent["settings"].nunique() > 1:
            continue
        area = detection_auroc(of["detection_score"].to_numpy(float), silent["detection_score"].to_numpy(float))
        assert area is not None, "both have runs"
        originals = of["original"].nunique(), silent["original"].nunique()
        lines.append((*words[:6], area, *auroc_interval(area, *originals), len(of), len(silent), *originals))
    return pd.DataFrame(lines, columns=COLUMNS)
