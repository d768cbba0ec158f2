"""A made-up sweep with everything that a page can show, bad names included."""

from pathlib import Path

import torch

from tests.report.made import hydra, judged, keep, write_run

ATTACK = "<script>alert(1)</script>"
"""What a run must not be able to do to its reader."""
STAGES = ("data", "original", "unlearned", "evidence", "verdict")
CURVE = [{"epoch": e, "train_loss": 1 / e, "train_acc": 1 - 0.5 / e, "test_acc": 1 - 0.6 / e} for e in range(1, 6)]
KINDS = {
    "param_dot": ("youden", (10, 20, 1)),
    "param_diff": ("decision_tree", (10, 20, 6)),
    "inversion_gradient": ("threshold", (10, 2, 10)),
}


def write_sweep(folder: Path) -> Path:
    """Run folders and their store; returns the folder of runs."""
    torch.manual_seed(0)
    runs, store = folder / "runs", folder / "store"
    original = keep(store, "original", {"curve": CURVE})
    number = 0
    for unlearner in ("rt", "ng", "none"):
        for attack, (screening, shape) in KINDS.items():
            for seed in range(3 if unlearner == "rt" else 2):
                classes = [] if unlearner == "none" else [3] if seed == 0 else [1, 4]
                verdict = [0] if attack == "inversion_gradient" and unlearner != "rt" else classes
                images = {"images_KCHW": torch.rand(10, 1, 6, 6)} if attack == "inversion_gradient" else {}
                told = judged(classes, verdict, seed=seed) | {"unlearner": unlearner, "attack": attack}
                told |= {"screening": screening, "asr_published": 0.95, "key_original": original}
                told["key_evidence"] = keep(store, "evidence", {"n": number}, samples_KMF=-torch.rand(shape), **images)
                told["key_unlearned"] = keep(store, "unlearned", {"curve": CURVE, "of": [unlearner, seed]})
                told |= {f"seconds_{stage}": 1.5 for stage in STAGES}
                told |= {"memory_mib_evidence": 900.0, "stored_evidence": True}
                told |= {"made_with_evidence": {"device": "cpu", "torch": "2.15.0"}}
                name = f"digits-lenet-{unlearner}-3-{attack}-{screening}-s{seed}-{number:08x}"
                hydra(write_run(runs / name, **told), store, [f"unlearner={unlearner}", f"seed={seed}"])
                number += 1
    write_bad(runs)
    return runs


def write_bad(runs: Path) -> None:
    """Runs that went wrong, and names that try to be more than text."""
    write_run(runs / "digits-lenet-au-3-param_dot-youden-s0-bad00000", "failed", f"ValueError: {ATTACK} & so on")
    write_run(runs / "digits-lenet-ft-3-param_dot-entropy-s0-bad00001", "skipped", "no pair")
    write_run(runs / "digits-lenet-ft-3-param_dot-youden-s0-bad00002", "running")
    told = judged([1], [1]) | {"unlearner": "ng", "gate": "failed", "gate_reasons": ["forget_acc 0.31 is above 0.05"]}
    write_run(runs / "digits-lenet-ng-1-param_dot-youden-s0-bad00003", **told)
    told = judged([1], [1]) | {"dataset": ATTACK, "attack": 'x" onmouseover="alert(1)', "revision": ATTACK}
    hydra(write_run(runs / 'bad" name & <b>', **told), "</script><script>alert(2)</script>", [ATTACK])
