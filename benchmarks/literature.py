"""Unlearners beside the figures that the literature prints: python -m benchmarks.literature [--out DIR] [-- WORDS...]

Runs the sweep `literature` (CIFAR-10, ResNet18 with the 3x3 stem, class truck) through the ordinary command line, and
goes on from what is stored; then prints for each run, in %, RA (accuracy on the retained training images), UA (100 less
that on the forgotten ones), TA (on the retained classes' test images) and which classes the forgotten class's test
images are taken for, computed from the stored model, beside CoUn's table, and what param_dot makes of it.

WORDS go to the sweep, such as dataset.path=cifar10.npz dataset.train_limit=2000. With --epochs and --unlearning-epochs
it is shorter than the literature's 182 and 50; with --table-only nothing is run.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from unlearnleak.cli.export import recorded
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.runs.loading import load_runs
from unlearnleak.training.predict import predict

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHOWN = (1, 0, 8)
"""Automobile, airplane and ship: where the literature's trucks go."""


class Row(NamedTuple):
    """RA, UA, TA and the shares of SHOWN, all in %."""

    ra: float
    ua: float
    ta: float
    shares: tuple[float, ...]


PUBLISHED = {
    "rt": Row(100, 100, 95.14, (69.3, 13.5, 12.6)),
    "ft": Row(99.97, 100, 94.99, (70.3, 12.4, 13.1)),
    "ng": Row(99.98, 100, 95.10, (43.6, 16.0, 17.6)),
    "l1_sparse": Row(100, 100, 95.10, (65.7, 9.8, 18.3)),
    "salun": Row(100, 100, 95.11, (66.1, 16.7, 16.7)),
}
"""CoUn (NeurIPS 2025): CIFAR-10, ResNet18, class truck; NegGrad+ stands beside ng."""


def commands(options: argparse.Namespace) -> list[list[str]]:
    """The command lines: one, or one an unlearner where the length of unlearning is said, of which rt has none."""
    places = [f"store={options.out.absolute() / 'artifacts'}", f"runs={options.out.absolute() / 'runs'}"]
    sweep = [sys.executable, "-m", "unlearnleak.run", "-m", "+sweep=literature", "logger=none", *places]
    sweep += [] if options.epochs is None else [f"training.epochs={options.epochs}"]
    sweep += options.words
    if options.unlearning_epochs is None:
        return [[*sweep, f"unlearner={','.join(options.unlearners)}"]]
    return [[*sweep, f"unlearner={name}", *length(name, options.unlearning_epochs)] for name in options.unlearners]


def length(unlearner: str, epochs: int) -> list[str]:
    """The words that make an unlearning so many epochs long."""
    if unlearner == "rt":
        return []
    free = [f"unlearner.free_epochs={min(2, epochs // 2)}"] if unlearner == "l1_sparse" else []
    return [f"unlearner.epochs={epochs}", *free]


def shares(run: Path) -> list[float]:
    """Which part of the forgotten classes' test images the unlearned model takes for each class, in %."""
    pipeline = Pipeline(make_plan(recorded(run)))
    test = pipeline.plan.resident.test.of(pipeline.forget_classes)
    said_N = predict(pipeline.model(pipeline.after), test.images)
    return (100 * torch.bincount(said_N, minlength=test.num_classes) / len(test)).tolist()


def row_of(run: dict[str, Any], shares_K: Sequence[float]) -> Row:
    """What a run's result and its model say."""
    shown = tuple(shares_K[k] for k in SHOWN)
    return Row(100 * run["retain_acc_train"], 100 - 100 * run["forget_acc_train"], 100 * run["retain_acc"], shown)


def line(label: str, row: Row, more: str = "") -> str:
    accuracies = "".join(f"{value:8.2f}" for value in row[:3])
    return f"{label:24}{accuracies}{''.join(f'{value:8.1f}' for value in row.shares)}{more}"


def table(runs: Sequence[dict[str, Any]], shares_of: Sequence[Sequence[float]]) -> list[str]:
    """Lines for the terminal: each run, and under it what is published of its unlearner."""
    lines = [f"{'':24}{'RA':>8}{'UA':>8}{'TA':>8}" + "".join(f"{NAMES[k][:7]:>8}" for k in SHOWN) + "  gate    named"]
    for run, shares_K in sorted(zip(runs, shares_of, strict=True), key=lambda pair: order(pair[0])):
        label = f"{run['unlearner']}, seed {run['seeds']['original']}"
        named = " ".join(NAMES[c] for c in run["verdict"]) or "none"
        lines.append(line(label, row_of(run, shares_K), f"  {run['gate']:8}{named}"))
        if run["unlearner"] in PUBLISHED:
            lines.append(line("  published (CoUn)", PUBLISHED[run["unlearner"]]))
    return lines


def order(run: dict[str, Any]) -> tuple[Any, ...]:
    """As the literature's table has its rows."""
    known = list(PUBLISHED)
    return (known.index(run["unlearner"]) if run["unlearner"] in known else len(known), run["seeds"]["original"])


def main(told: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.literature", description="Compare with the literature.")
    parser.add_argument("--out", type=Path, default=Path("outputs/literature"), metavar="DIR", help="(%(default)s)")
    parser.add_argument("--table-only", action="store_true", help="run nothing")
    parser.add_argument("--unlearners", nargs="+", choices=PUBLISHED, default=list(PUBLISHED), help="(all five)")
    parser.add_argument("--epochs", type=int, help="of originals and retraining (182)")
    parser.add_argument("--unlearning-epochs", type=int, help="of the other unlearners (50)")
    parser.add_argument("words", nargs="*", metavar="WORDS", help="more words for the sweep, after --")
    options = parser.parse_args(told)
    codes = [] if options.table_only else [subprocess.run(line, check=False).returncode for line in commands(options)]
    folder = options.out / "runs" / "literature"
    done = [run for run in load_runs([folder]) if run.get("status") == "done"] if folder.is_dir() else []
    if options.table_only and not done:
        sys.exit(f"There is no finished run in {folder}: leave --table-only out, which runs nothing.")
    print("\n".join(table(done, [shares(Path(run["directory"])) for run in done])))
    if any(codes) or not done:
        sys.exit("Not all is well, see above. The same command goes on.")


if __name__ == "__main__":
    main()
