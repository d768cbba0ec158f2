"""How long the page of 1,000 runs takes: python -m benchmarks.report [--runs N] [--files]

Made-up runs (2 data sets x 5 unlearners and the control x 4 attacks, many seeds) with made-up evidence, curves and
images in a real store. Prints seconds of a whole process, imports included, and the page's size; --files adds the
files for papers.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from unlearnleak.metric.verdict import verdict_metrics
from unlearnleak.store import Contents, Store, key_of

CLASSES = 10
UNLEARNERS = ("rt", "ft", "rl", "au", "ng", "none")
ATTACKS = {
    "param_dot": ("youden", {"samples_KMF": (CLASSES, 200, 1)}),
    "param_diff": ("decision_tree", {"samples_KMF": (CLASSES, 200, 850)}),
    "inversion_gradient": ("threshold", {"samples_KMF": (CLASSES, 4, CLASSES), "images_KCHW": (CLASSES, 1, 28, 28)}),
    "inversion_genetic": ("threshold", {"samples_KMF": (CLASSES, 1, CLASSES), "images_KCHW": (CLASSES, 1, 28, 28)}),
}
CURVE = [
    {"epoch": e, "train_loss": 1 / e, "train_acc": 1 - 1 / (e + 1), "test_acc": 1 - 1 / (e + 1)} for e in range(1, 21)
]


def stored(store: Store, stage: str, payload: dict, shapes: dict) -> str:
    """One made-up artifact's key."""

    def compute() -> Contents:
        tensors = {
            name: torch.rand(shape).log() if "images" not in name else torch.rand(shape)
            for name, shape in shapes.items()
        }
        return Contents(tensors, {"curve": CURVE, "kind": "made", "queries": 0})

    store.get_or_compute(stage, payload, compute)
    return key_of(payload)


def numbers(seed: int, classes: list[int], random: np.random.Generator) -> dict:
    """What a run would have measured, made up."""
    truth_K = np.isin(np.arange(CLASSES), classes)
    score_K = random.random(CLASSES) + truth_K
    result = verdict_metrics(score_K > 1, score_K, truth_K)
    result |= {"seeds": dict.fromkeys(("data", "forget", "original", "unlearning", "attack"), seed)}
    result |= {"forgotten": classes, "forget_classes": classes or [3], "num_classes": CLASSES, "settings": "0"}
    result |= {"verdict": (score_K > 1).nonzero()[0].tolist(), "scores": score_K.tolist(), "asr_published": 0.9}
    result |= {"forget_acc": 0.0, "retain_acc": 0.97, "original_forget_acc": 0.98, "original_retain_acc": 0.98}
    result |= {"gate": "passed" if classes else "control", "gate_reasons": [], "queries": 0, "device": "cpu"}
    for stage in ("data", "original", "unlearned", "evidence", "verdict"):
        result |= {f"seconds_{stage}": 1.0, f"memory_mib_{stage}": 900.0, f"stored_{stage}": False}
    return result


def write(folder: Path, count: int) -> None:
    """`count` run folders and their store."""
    random = np.random.default_rng(0)
    store = Store(folder / "artifacts")
    for number in range(count):
        dataset = ("digits", "mnist")[number % 2]
        unlearner = UNLEARNERS[number // 2 % 6]
        attack, (screening, shapes) = list(ATTACKS.items())[number // 12 % 4]
        seed = number // 48
        chosen = random.choice(CLASSES, 1 + 2 * (seed % 2), replace=False).tolist()
        classes = [] if unlearner == "none" else sorted(chosen)
        words = {"dataset": dataset, "model": "lenet", "unlearner": unlearner, "attack": attack, "screening": screening}
        model = {"dataset": dataset, "unlearner": unlearner, "seed": seed % 4}
        keys = {
            "key_original": stored(store, "original", {"dataset": dataset}, {"w": (1,)}),
            "key_unlearned": stored(store, "unlearned", model, {"w": (1,)}),
            "key_evidence": stored(store, "evidence", model | {"attack": attack}, shapes),
        }
        name = f"{dataset}-lenet-{unlearner}-{'.'.join(map(str, classes))}-{attack}-{screening}-s{seed}-{number:08x}"
        run = folder / "runs" / name
        (run / ".hydra").mkdir(parents=True)
        run.joinpath("result.json").write_text(json.dumps(words | numbers(seed, classes, random) | keys))
        run.joinpath("status.json").write_text(json.dumps({"status": "done", "time": 1.8e9 + number}))
        run.joinpath(".hydra/config.yaml").write_text(f"store: {store.root}\n")
        run.joinpath(".hydra/overrides.yaml").write_text(f"- unlearner={unlearner}\n- attack={attack}\n- seed={seed}\n")


def processor() -> float:
    """Seconds of processor time that ended child processes took: the figure that a busy machine distorts least."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Write the runs, then time the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--files", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), arguments.runs)
        source = (
            "import sys; from pathlib import Path; from unlearnleak.report.build import build;"
            "build([Path(sys.argv[1])], out=Path(sys.argv[2]), page_only=sys.argv[3] == 'page')"
        )
        words = [f"{place}/runs", f"{place}/out", "files" if arguments.files else "page"]
        spent, before = [], processor()
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", source, *words], check=True)
            spent.append(time.perf_counter() - start)
        busy = (processor() - before) / 3
        size = Path(place, "out", "index.html").stat().st_size / 1e6
        what = "page and files" if arguments.files else "page"
        took = f"{sorted(spent)[1]:.1f} s (median of 3), {busy:.1f} s of processor"
        print(f"{arguments.runs} runs, {what}: {took}, {size:.1f} MB")


if __name__ == "__main__":
    main()
