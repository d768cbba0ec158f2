"""The jobs behind the golden numbers, run in a process of its own: `python -m tests.golden.grid FILE.json`.

Digits with LeNet for every unlearner and every attack, each attack's evidence through every screening that can read it,
colour images from a file, and ResNet18. The settings are small: the numbers are to be kept, not to be good.

The last bits of a sum depend on the instructions that a CPU has. Here PyTorch and MKL are told to use those that all
have (`PORTABLE`), so that the same releases give the same bits on the x86-64 machines of one maker. Between an AMD EPYC
and an Intel Xeon 7 of the 84 jobs differ in last bits, presumably in MKL's products of matrices.
"""

import hashlib
import json
import logging
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CONF = Path(__file__).parents[2] / "conf"
PORTABLE = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1"}
"""Environment variables that must be set before PyTorch is imported."""

SMALL = {
    "dataset.auxiliary_per_class": 8,
    "training.epochs": 3,
    "training.batch_size": 32,
    "unlearner.epochs": 2,
    "unlearner.batch_size": 32,
    "attack.heads": 4,
    "attack.subset_size": 5,
    "attack.steps": 8,
    "attack.shadows": 8,
    "attack.shadow_steps": 10,
    "attack.restarts": 2,
    "attack.population": 8,
    "attack.generations": 4,
    "attack.images": 30,
}
FACTS = (
    *("asr", "asr_constant", "asr_published", "asr_published_placebo", "auroc", "balanced_accuracy", "exact_match"),
    *("f1", "precision", "recall", "forget_acc", "retain_acc", "forget_acc_train", "retain_acc_train", "gate"),
    *("original_forget_acc", "original_retain_acc", "num_classes", "forgotten", "verdict", "scores", "queries"),
)
"""The entries of result.json that are compared: all that are measured and do not depend on the machine."""


UNLEARNERS = ("none", "rt", "ft", "rl", "au", "ng")
SCREENINGS = {
    "param_dot": ("youden", "kmeans", "outlier"),
    "param_diff": ("decision_tree",),
    "param_confidence": ("youden", "kmeans", "threshold"),
    "inversion_gradient": ("threshold", "entropy", "level"),
    "inversion_genetic": ("threshold", "entropy", "level"),
    "inversion_shadow": ("outlier", "entropy", "level", "threshold", "youden"),
    "head_sum": ("threshold", "kmeans"),
    "noise_prior": ("threshold", "kmeans"),
    "aux_confidence": ("chance", "halfway"),
}
"""The attacks, each with the screenings whose verdicts are compared. What comes later has tests of its own."""


def cases(folder: Path) -> Iterator[tuple[str, ...]]:
    """The command line of each job, but for its settings of size."""
    digits = ("dataset=digits", "dataset.train_limit=400", "dataset.test_per_class=10")
    for unlearner in UNLEARNERS:
        for attack in SCREENINGS:
            yield (*digits, f"unlearner={unlearner}", f"attack={attack}", "forget_classes=[3]")
    for attack, screenings in SCREENINGS.items():
        for screening in screenings:
            yield (*digits, "unlearner=rl", f"attack={attack}", f"screening={screening}", "forget_classes=[1,4]")
    colour = ("dataset=npz", f"dataset.path={colour_images(folder)}", "forget_classes=draw:2")
    for unlearner, attack in (("rt", "param_dot"), ("au", "param_diff"), ("ng", "inversion_gradient")):
        yield (*colour, "model=lenet", f"unlearner={unlearner}", f"attack={attack}")
    for unlearner, attack in (("ft", "param_confidence"), ("au", "inversion_genetic"), ("ng", "noise_prior")):
        yield (*colour, "model=resnet18", "training.epochs=1", f"unlearner={unlearner}", f"attack={attack}")


def colour_images(folder: Path) -> Path:
    """A file of 32x32 colour images of five classes, each a bar of its own colour and place in noise."""
    import numpy as np

    path = folder / "colour.npz"
    if not path.exists():
        draw, arrays = np.random.default_rng(5), {}
        for part, count in (("train", 20), ("test", 6)):
            labels = np.arange(5 * count) % 5
            pixels = draw.integers(0, 90, (len(labels), 32, 32, 3))
            for image, label in zip(pixels, labels, strict=True):
                image[6 * label : 6 * label + 5, :, label % 3] += 150
            arrays |= {f"{part}_images": pixels.astype(np.uint8), f"{part}_labels": labels}
        np.savez(path, **arrays)
    return path


def run(words: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """One job: a digest of each stage's tensors, and its facts."""
    from safetensors import safe_open

    from tests.jobs import composed
    from unlearnleak.pipeline.job import run_job

    chosen = dict(word.split("=", 1) for word in words)
    small = [f"{setting}={value}" for setting, value in SMALL.items() if setting not in chosen and has(chosen, setting)]
    own = (f"store={folder / 'store'}", f"runs={folder / 'runs'}", "logger=none", "runtime.device=cpu")
    config = composed(*small, *words, *own)
    result = run_job(config, folder / "runs" / hashlib.sha256(" ".join(words).encode()).hexdigest()[:16], sweep=False)
    assert result is not None
    stages: dict[str, Any] = {}
    for stage in sorted(name.removeprefix("key_") for name in result if name.startswith("key_")):
        with safe_open(folder / "store" / stage / result[f"key_{stage}"] / "tensors.safetensors", "pt") as file:
            stages[stage] = digest({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    return {"stages": stages, "facts": {name: rounded(result[name]) for name in FACTS}}


def has(chosen: dict[str, str], setting: str) -> bool:
    """Whether the component chosen for the setting's group has that setting."""
    group, name = setting.split(".")
    return group == "training" or name in yaml.safe_load((CONF / group / f"{chosen[group]}.yaml").read_text())


def digest(tensors: dict[str, Any]) -> str:
    """How many tensors, and the first 16 digits of the SHA-256 of their names, types, shapes and bytes."""
    state = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        array = tensor.contiguous().numpy()
        state.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return f"{len(tensors)} {state.hexdigest()[:16]}"


def rounded(value: Any) -> Any:
    """Floats to nine significant digits: what NumPy adds up may differ in the last ones from CPU to CPU."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return [rounded(each) for each in value] if isinstance(value, list) else value


def environment() -> dict[str, str]:
    """The releases that the bits depend on, and whose processor it is."""
    import numpy as np
    import sklearn
    import torch

    return {"machine": platform.machine(), "maker": maker(), "torch": torch.__version__.partition("+")[0]} | {
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }


def maker() -> str:
    """The processor's maker as it names itself, such as GenuineIntel; what Python knows of it where Linux does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")]
    return named[0] if named else platform.processor() or "unknown"


def everything(folder: Path) -> dict[str, Any]:
    """All jobs by their command lines."""
    import torch

    torch.backends.mkldnn.enabled = False  # its kernels differ from CPU to CPU
    (torch.ones(8, 8) @ torch.ones(8, 8)).exp_()  # PyTorch and MKL have read their variables now,
    for variable in PORTABLE:
        os.environ.pop(variable, None)  # which a job refuses, since no key knows of them
    logging.disable(logging.WARNING)
    return {name(words): run(words, folder) for words in cases(folder)}


def name(words: tuple[str, ...]) -> str:
    """What a job is called among the golden numbers: its command line, without where its file lies."""
    return " ".join(word for word in words if not word.startswith("dataset.path="))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        found = {"environment": environment(), "jobs": everything(Path(place))}
    Path(sys.argv[1]).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
