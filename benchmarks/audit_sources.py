"""What an audit says with images of another source: python -m benchmarks.audit_sources --models 2 --data mnist.npz

LeNets as `benchmarks.audit_few` trains them on the file's images, without one class and controls; audited by `--quick`
with 36 images of each class that are the set's own, or changed, or scikit-learn's digits. Writes
docs/results/audit_sources.csv and audit_sources.md.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

import unlearnleak
from benchmarks.audit_few import RESULTS, SHORT, few, splits_of, trained
from unlearnleak.auditing.saying import doubtful_images, little_known
from unlearnleak.data import LabeledImages
from unlearnleak.machine.progress import progress
from unlearnleak.machine.seeds import generator

EACH = 36
NOISE = 60
"""Standard deviation, of 255."""
Row = dict[str, Any]


def sources(own: LabeledImages, seed: int) -> dict[str, LabeledImages]:
    """The same images changed in several ways, and those of another set, by what they are called."""
    x_NCHW = own.images

    def changed(images: Tensor) -> LabeledImages:
        return LabeledImages(images, own.labels, own.num_classes)

    noise = NOISE * torch.randn(x_NCHW.shape, generator=generator(seed, "noise"))
    digits = splits_of(None, seed).auxiliary
    small = interpolate(digits.images.float(), size=(20, 20), mode="bilinear").round().byte()
    framed = LabeledImages(pad(small, (4, 4, 4, 4)), digits.labels, 10)
    return {
        "its own": own,
        "darker, half the contrast": changed(x_NCHW // 2),
        f"noise of deviation {NOISE}": changed((x_NCHW + noise).round().clamp(0, 255).byte()),
        "moved by 3 pixels": changed(x_NCHW.roll((3, 3), (2, 3))),
        "turned by 90 degrees": changed(x_NCHW.rot90(1, (2, 3)).contiguous()),
        "inverted": changed(255 - x_NCHW),
        "digits, enlarged": few(digits, EACH),
        "digits, enlarged and framed": few(framed, EACH),
    }


def audited(data: Path, seed: int, forgotten: int | None) -> list[Row]:
    """A row for each source."""
    splits, truth = splits_of(data, seed), [] if forgotten is None else [forgotten]
    model, rows = trained(splits, seed, truth, SHORT), []
    for name, images in sources(few(splits.auxiliary, EACH), seed).items():
        result = unlearnleak.audit(
            model, images.images, images.labels, truth=truth, quick=True, seed=seed, device="cpu"
        )
        u = result.understood
        row = {"source": name, "seed": seed, "forgotten": "" if forgotten is None else forgotten}
        row |= {"accuracy": f"{u.accuracy:.3f}", "little_known": " ".join(map(str, little_known(u)))}
        row |= {
            "plausible": u.plausible,
            "warned": bool(doubtful_images(u)),
            "status": result.status,
            "named": " ".join(map(str, result.classes)),
        }
        by = "; ".join(f"{c}: {', '.join(names)}" for c, names in result.named_by.items())
        rows.append(row | {"named_by": by, "counted": len(result.counted)})
    return rows


def table(rows: list[Row], data: str, models: int) -> str:
    """A line for each source, in Markdown."""
    lines = [
        "# Audits with images of another source",
        "",
        f"LeNets on {data}, 4 epochs on 10,000 images, {EACH} images of each class, `--quick`: models that were",
        "trained without one class, and controls. Exact: the answer is `leak` and names that class alone; too much:",
        "it names that class and others. Warned: the answer begins with a warning that it may be the images.",
        "Accuracy: the least and the most, in %. Seeds 200 and 300 onwards.",
        "",
        f"    python -m benchmarks.audit_sources --models {models} --data {data}.npz",
        "",
        "| images | accuracy, forgotten | exact | too much | wrong | not judged | accuracy, controls | silent "
        "| false alarms | not judged | warned, of all |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["source"] for row in rows):
        gone, controls = (
            [row for row in rows if row["source"] == name and (row["forgotten"] == "") == control]
            for control in (False, True)
        )
        named = [(row["named"].split(), str(row["forgotten"])) for row in gone]
        cells = [
            span(gone),
            sum(each == [true] for each, true in named),
            sum(true in each and len(each) > 1 for each, true in named),
            sum(bool(each) and true not in each for each, true in named),
            sum(row["status"] == "not judged" for row in gone),
            span(controls),
            sum(row["status"] == "silent" for row in controls),
            sum(row["status"] == "leak" for row in controls),
            sum(row["status"] == "not judged" for row in controls),
            sum(str(row["warned"]) == "True" for row in gone + controls),
        ]
        lines.append(f"| {name} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def span(rows: list[Row]) -> str:
    """The least and the most accuracy."""
    found = [100 * float(row["accuracy"]) for row in rows]
    return f"{min(found):.0f} to {max(found):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=2, help="of each kind")
    parser.add_argument("--data", type=Path, required=True, help="an .npz of 28 x 28 grey images of ten classes")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for number in progress(range(arguments.models), label="models"):
        rows += audited(arguments.data, 200 + number, number % 10) + audited(arguments.data, 300 + number, None)
        with (arguments.out / "audit_sources.csv").open("w", encoding="utf-8", newline="") as into:
            writer = csv.DictWriter(into, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    text = table(rows, arguments.data.stem, arguments.models)
    (arguments.out / "audit_sources.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
