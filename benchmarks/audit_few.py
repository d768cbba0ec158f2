"""What an audit finds with few labelled images: python -m benchmarks.audit_few --models 4 --data FILE.npz

LeNets that were trained without one class, and as many controls that were trained on all; audited with `--quick`, and
with few images of each class or none. Without --data on digits; else on a file as `dataset=npz` reads it, such as
MNIST's, whose first 10,000 training images are learnt from in a few epochs. Writes docs/results/audit_few.csv and
audit_few.md, in which the rows of other data stay.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import torch

import unlearnleak
from unlearnleak.data import LabeledImages, Splits
from unlearnleak.dataset.digits import Digits
from unlearnleak.dataset.npz import Npz
from unlearnleak.machine.progress import progress
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization

COUNTS = {"digits": (36, 20, 5, 1, 0)}
"""Images of each class; of other data `MORE`."""
MORE = (100, 20, 5, 1, 0)
TRAINING = Optimization(epochs=18, batch_size=32, lr=0.03, schedule="cosine", warmup_epochs=1)
SHORT = Optimization(epochs=4, batch_size=32, lr=0.03, schedule="cosine", warmup_epochs=1)
"""Of larger data."""
LEARNT = 10_000
RESULTS = Path(__file__).parents[1] / "docs" / "results"
Row = dict[str, Any]


def splits_of(data: Path | None, seed: int) -> Splits:
    """The images, with as many auxiliary ones of each class as are asked for at most."""
    draw = generator(seed, "data")
    if data is None:
        return Digits(root=None, path=None, auxiliary_per_class=36, test_per_class=36, train_limit=None).splits(draw)
    told: dict[str, Any] = {"auxiliary_per_class": 100, "test_per_class": 100, "train_limit": LEARNT}
    return Npz(root=None, path=str(data), name=None, num_classes=None, **told).splits(draw)


def trained(splits: Splits, seed: int, without: list[int], training: Optimization = TRAINING) -> LeNet:
    """A LeNet that never saw some classes."""
    with isolated(seed, "weights"):
        shape, K = splits.train.image_shape, splits.train.num_classes
        model = LeNet(image_shape=shape, num_classes=K, mean=splits.mean, std=splits.std)
    fit(
        model,
        splits.train.without(without),
        training,
        test=splits.test,
        generator=generator(seed, "batches"),
        label="model",
    )
    return model.eval()


def few(images: LabeledImages, count: int) -> LabeledImages:
    """The first so many of each class."""
    rows = [(images.labels == c).nonzero()[:count, 0] for c in range(images.num_classes)]
    return images.select(torch.cat(rows))


def audited(data: Path | None, seed: int, forgotten: int | None) -> list[Row]:
    """A row for each number of images."""
    splits, name = splits_of(data, seed), "digits" if data is None else data.stem
    truth = () if forgotten is None else (forgotten,)
    model, rows = trained(splits, seed, list(truth), TRAINING if data is None else SHORT), []
    for count in COUNTS.get(name, MORE):
        some = few(splits.auxiliary, count)
        given = (some.images, some.labels) if count else ()
        result = unlearnleak.audit(model, *given, truth=truth, quick=True, seed=seed, device="cpu")
        exact = [one.name for one in result.attacks if one.evaluation and one.evaluation.outcome == "exact"]
        row = {"data": name, "images": str(count), "seed": seed, "forgotten": "" if forgotten is None else forgotten}
        row |= {"accuracy": "" if not count else f"{result.understood.accuracy:.3f}"}
        row |= {"status": result.status, "named": " ".join(map(str, result.classes))}
        rows.append(row | {"exact": "; ".join(exact), "counted": "; ".join(one.name for one in result.counted)})
    return rows


def table(rows: list[Row]) -> str:
    """A line for each number of images, in Markdown."""
    lines = [
        "# Audits with few images",
        "",
        "LeNets, `--quick`: models that were trained without one class, and controls. Exact: the answer is `leak` and",
        "names that class alone. Models of seeds 200 and 300 onwards, on which nothing was chosen. Digits: 18 epochs",
        "on all training images; other data: 4 epochs on 10,000.",
        "",
        *(f"    python -m benchmarks.audit_few {told}" for told in commands(rows)),
        "",
        "| data | images of each class | exact | not judged | controls silent | not judged | false alarms |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == name]
        for count in dict.fromkeys(row["images"] for row in own):
            lines.append(f"| {name} | {count} | {' | '.join(cells([row for row in own if row['images'] == count]))} |")
    return "\n".join(lines) + "\n"


def commands(rows: list[Row]) -> list[str]:
    """What the benchmark was told for the rows of each data."""
    found = []
    for name in dict.fromkeys(row["data"] for row in rows):
        models = len({row["seed"] for row in rows if row["data"] == name}) // 2
        found.append(f"--models {models}" + (f" --data {name}.npz" if name not in COUNTS else ""))
    return found


def cells(rows: list[Row]) -> list[str]:
    """How many of the models that forgot were named, and how many controls were left alone."""
    found = []
    for control in (False, True):
        of = [row for row in rows if (row["forgotten"] == "") == control]
        doubted = sum(row["status"] == "not judged" for row in of)
        right = sum(row["status"] == "silent" if control else row["named"] == str(row["forgotten"]) for row in of)
        found += [f"{right} of {len(of)}", f"{doubted}"]
        found += [f"{sum(row['status'] == 'leak' for row in of)}"] if control else []
    return found


def kept(file: Path, name: str, first: int) -> list[Row]:
    """The rows of other data, and of models before the first."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as source:
        return [row for row in csv.DictReader(source) if row["data"] != name or int(row["seed"]) % 100 < first]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=4, help="of each kind")
    parser.add_argument("--first", type=int, default=0, help="go on with this one: the rows before it are kept")
    parser.add_argument("--data", type=Path, help="an .npz with training and test images; digits without it")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    file = arguments.out / "audit_few.csv"
    rows = kept(file, "digits" if arguments.data is None else arguments.data.stem, arguments.first)
    for number in progress(range(arguments.first, arguments.models), label="models"):
        rows += audited(arguments.data, 200 + number, number % 10) + audited(arguments.data, 300 + number, None)
        with file.open("w", encoding="utf-8", newline="") as into:
            writer = csv.DictWriter(into, list(rows[-1]), restval="")
            writer.writeheader()
            writer.writerows(rows)
    (arguments.out / "audit_few.md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
