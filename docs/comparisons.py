"""Print the comparisons that findings.md makes between attacks and unlearners, adjusted as one family (Holm):

python docs/comparisons.py docs/results
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from unlearnleak.analysis.groups import cases
from unlearnleak.analysis.paired import Paired, adjusted, paired
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs

if TYPE_CHECKING:
    import pandas as pd

HEAD = ["this, against that", "that", "this", "targets", "p", "adjusted p"]
GREY = ("mnist", "fashion_mnist")
RIVALS = ("rt", "ft", "rl", "au")
WITHOUT_SAMPLES = (
    "inversion_gradient / threshold",
    "inversion_gradient / level",
    "inversion_genetic / threshold",
    "inversion_genetic / level",
    "head_sum / threshold",
    "noise_prior / threshold",
)


class Claim(NamedTuple):
    """Two groups of runs of the tables `files`: what each side has of a column, beside what both have."""

    said: str
    files: tuple[str, ...]
    first: dict[str, str]
    second: dict[str, str]
    both: dict[str, str]


def attacks(first: str, second: str, *, of: str = "", files: tuple[str, ...] = GREY, **both: str) -> Claim:
    """Two attacks with their screenings on the same models; `of` says which, where these are not all."""
    words = [dict(zip(("attack", "screening"), side.split(" / "), strict=True)) for side in (first, second)]
    return Claim(f"{second}, against {first}{of}", files, *words, both)


def unlearners(first: str, second: str, attack: str, *, of: str = "", files: tuple[str, ...] = GREY) -> Claim:
    """Two unlearners on the same targets, as an attack judges them."""
    words = dict(zip(("attack", "screening"), attack.split(" / "), strict=True))
    said = f"unlearner {second}, against {first}, by {attack}{of}"
    return Claim(said, files, {"unlearner": first}, {"unlearner": second}, words)


CLAIMS = (
    attacks("param_dot / youden", "param_confidence / youden"),
    attacks("param_dot / youden", "aux_confidence / halfway"),
    attacks("param_dot / kmeans", "param_dot / youden"),
    attacks("param_dot / kmeans", "param_dot / youden", of=": nothing forgotten", gate="control"),
    attacks("aux_confidence / chance", "aux_confidence / halfway"),
    attacks("inversion_genetic / threshold", "inversion_gradient / threshold"),
    attacks("inversion_genetic / level", "inversion_gradient / level"),
    attacks("inversion_genetic / entropy", "inversion_gradient / entropy"),
    attacks("noise_prior / threshold", "head_sum / threshold"),
    attacks("inversion_gradient / threshold", "aux_confidence / halfway"),
    attacks("head_sum / threshold", "inversion_gradient / threshold", of=": MNIST", files=("mnist",)),
    attacks("head_sum / threshold", "inversion_gradient / threshold", of=": Fashion-MNIST", files=("fashion_mnist",)),
    unlearners("rt", "ng", "param_dot / youden"),
    *(unlearners(rival, "ng", attack) for attack in WITHOUT_SAMPLES for rival in RIVALS),
    *(
        unlearners(rival, "ng", attack, of=": CIFAR-10, H100", files=("cifar10_h100",))
        for attack in ("inversion_gradient / level", "head_sum / threshold")
        for rival in RIVALS
    ),
    attacks(
        "param_dot / youden",
        "aux_confidence / halfway",
        of=": noisy labels",
        files=("five_percent",),
        unlearner="noisy_labels",
    ),
    attacks("param_dot / youden", "aux_confidence / chance", of=": repaired answers", files=("repaired",)),
)
"""What findings.md says of two rows or two columns of its tables."""


def chosen(runs: "pd.DataFrame", words: dict[str, str]) -> "pd.DataFrame":
    """The runs that have these words; without "gate" among them, those that were to forget something."""
    for name, word in words.items():
        runs = runs[runs[name] == word]
    return runs


def held(claim: Claim, tables: "dict[str, pd.DataFrame]") -> Paired:
    """A claim's comparison."""
    import pandas as pd  # noqa: PLC0415  (half a second)

    runs = pd.concat([tables[name] for name in claim.files])
    if not {"gate", "unlearner"} & claim.both.keys():
        runs = runs[runs["gate"] != "control"]
    return paired(claim.said, *(chosen(runs, claim.both | side) for side in (claim.first, claim.second)))


def main(folder: Path) -> str:
    """The table of all comparisons."""
    names = {name for claim in CLAIMS for name in claim.files}
    tables = {name: cases(framed(load_runs([folder / f"{name}.csv"]))) for name in sorted(names)}
    body = [
        [
            *(one.said, f"{one.first}/{one.n_first}", f"{one.second}/{one.n_second}", str(one.targets)),
            *(f"{one.p:.2g}", f"{one.q:.2g}"),
        ]
        for one in adjusted(held(claim, tables) for claim in CLAIMS)
    ]
    return markdown_lines(HEAD, body)


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
