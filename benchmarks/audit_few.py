"""What an audit finds with few labelled images: python -m benchmarks.audit_few --models 5

LeNets on digits, retrained without one class, and as many controls that were trained on all; audited with 36, 20, 5 and
1 images of each class and with none, by `--quick`. Writes docs/results/audit_few.csv and audit_few.md.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import torch

import unlearnleak
from unlearnleak.data import LabeledImages, Splits
from unlearnleak.dataset.digits import Digits
from unlearnleak.machine.progress import progress
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization

COUNTS = (36, 20, 5, 1, 0)
TRAINING = Optimization(epochs=18, batch_size=32, lr=0.03, schedule="cosine", warmup_epochs=1)
RESULTS = Path(__file__).parents[1] / "docs" / "results"
Row = dict[str, Any]


def trained(splits: Splits, seed: int, without: list[int]) -> LeNet:
    """A LeNet that never saw some classes."""
    with isolated(seed, "weights"):
        model = LeNet(image_shape=(1, 28, 28), num_classes=10, mean=splits.mean, std=splits.std)
    fit(
        model,
        splits.train.without(without),
        TRAINING,
        test=splits.test,
        generator=generator(seed, "batches"),
        label="model",
    )
    return model.eval()


def few(images: LabeledImages, count: int) -> LabeledImages:
    """The first so many of each class."""
    rows = [(images.labels == c).nonzero()[:count, 0] for c in range(10)]
    return images.select(torch.cat(rows))


def audited(seed: int, forgotten: int | None) -> list[Row]:
    """A row for each number of images."""
    source = Digits(root=None, path=None, auxiliary_per_class=36, test_per_class=36, train_limit=None)
    splits = source.splits(generator(seed, "data"))
    truth = () if forgotten is None else (forgotten,)
    model, rows = trained(splits, seed, list(truth)), []
    for count in COUNTS:
        some = few(splits.auxiliary, count)
        given = (some.images, some.labels) if count else ()
        result = unlearnleak.audit(model, *given, truth=truth, quick=True, seed=seed, device="cpu")
        exact = [one.name for one in result.attacks if one.evaluation and one.evaluation.outcome == "exact"]
        row = {"images": count, "seed": seed, "forgotten": "" if forgotten is None else forgotten}
        row |= {"status": result.status, "named": " ".join(map(str, result.classes))}
        rows.append(row | {"exact": "; ".join(exact), "counted": "; ".join(one.name for one in result.counted)})
    return rows


def table(rows: list[Row]) -> str:
    """A line for each number of images, in Markdown."""
    lines = [
        "# Audits with few images",
        "",
        "LeNets on digits, `--quick`: models retrained without one class, and controls. Exact: the answer is `leak`",
        "and names that class alone. Models of seeds 200 and 300 onwards, on which nothing was chosen.",
        "",
        f"    python -m benchmarks.audit_few --models {len({row['seed'] for row in rows}) // 2}",
        "",
        "| images of each class | exact | not judged | controls silent | not judged | false alarms |",
        "|---|---|---|---|---|---|",
    ]
    for count in COUNTS:
        cells = []
        for control in (False, True):
            of = [row for row in rows if row["images"] == count and (row["forgotten"] == "") == control]
            doubted = sum(row["status"] == "not judged" for row in of)
            right = sum(row["status"] == "silent" if control else row["named"] == str(row["forgotten"]) for row in of)
            cells += [f"{right} of {len(of)}", f"{doubted}"]
            cells += [f"{sum(row['status'] == 'leak' for row in of)}"] if control else []
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=5, help="of each kind")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for number in progress(range(arguments.models), label="models"):
        rows += audited(200 + number, number % 10) + audited(300 + number, None)
        with (arguments.out / "audit_few.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (arguments.out / "audit_few.md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
