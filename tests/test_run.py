"""The command line from outside: jobs, sweeps, exit codes, and what people are told."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.commandline import Finished
from tests.jobs import images, overrides_in, write_npz
from tests.patience import PATIENCE, wait_until

HEAVY = {"torch", "torchvision", "pytorch_lightning", "lightning", "wandb", "sklearn", "scipy", "numpy", "pydantic"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder with a file of images and a store that jobs share."""
    return tmp_path_factory.mktemp("shared")


def entries(runs: Path) -> dict[str, dict]:
    """Status by run folder."""
    paths = [path for path in runs.rglob("status.json") if ".stages" not in path.parts]
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def shell(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    everything = os.environ | environment
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=everything, capture_output=True, text=True, check=False
    )


# Jobs and sweeps


@pytest.mark.slow
def test_one_job_from_a_real_shell(shared, tmp_path):
    """Everything as people start it, W&B included; nothing but its own words on the terminal."""
    words = overrides_in(shared, f"runs={tmp_path}", "logger=wandb", "logger.mode=offline")
    done = shell("-m", "unlearnleak.run", *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (name,) = entries(tmp_path)
    result = json.loads((tmp_path / "adhoc" / name / "result.json").read_text())
    assert f"ASR       {100 * result['asr']:.1f} %" in done.stdout
    assert len(done.stdout.splitlines()) <= 8
    assert not re.search(r"[\r█▏▎▍▌▋▊▉]|it/s|batch/s|\x1b", done.stdout)  # no bar, no colour
    folder = tmp_path / "adhoc" / name
    assert {path.name for path in folder.iterdir()} == {"result.json", "status.json", "run.log", ".hydra", "wandb"}
    assert list(tmp_path.iterdir()) == [tmp_path / "adhoc"]


def test_a_sweep_runs_every_pair_and_shares_the_stages(cli, shared, tmp_path):
    words = overrides_in(shared, f"runs={tmp_path}", "unlearner=rt", "attack=param_dot")
    words = [word for word in words if not word.startswith(("unlearner", "attack="))]
    done = cli("-m", *words, "unlearner=rt,rl", "attack=param_dot,param_diff", cwd=tmp_path)
    assert done.code == 0
    assert "Error" not in done.err
    found = entries(tmp_path / "adhoc")
    assert len(found) == 4
    assert {entry["status"] for entry in found.values()} == {"done"}
    pairs = {tuple(name.split("-")[i] for i in (2, 4, 5)) for name in found}
    assert pairs == {(u, *a) for u in ("rt", "rl") for a in (("param_dot", "youden"), ("param_diff", "decision_tree"))}
    results = [json.loads((tmp_path / "adhoc" / name / "result.json").read_text()) for name in found]
    assert len({result["key_original"] for result in results}) == 1
    assert len({result["key_unlearned"] for result in results}) == 2
    again = cli("-m", *words, "unlearner=rt,rl", "attack=param_dot,param_diff", cwd=tmp_path)
    assert "jobs 4 (4 finished before): nothing to do" in again.out


@pytest.mark.slow
def test_the_designs_own_line(cli, tmp_path):
    """`-m dataset=svhn,cifar10 unlearner=rt,ng attack=param_diff`, with small files in place of the downloads."""
    arrays = images(classes=10, side=32, train=12, test=2)
    arrays = {name: np.repeat(value[..., None], 3, 3) if value.ndim == 3 else value for name, value in arrays.items()}
    for number, name in enumerate(("svhn", "cifar10")):
        turned = {key: np.rot90(value, number, (1, 2)) if value.ndim == 4 else value for key, value in arrays.items()}
        np.savez(tmp_path / f"{name}.npz", **turned)
    path = "dataset.path=${hydra:runtime.choices.dataset}.npz"
    small = ["dataset.auxiliary_per_class=4", "training.epochs=1", "attack.heads=2", "attack.subset_size=2"]
    small += ["attack.steps=2", "attack.shadows=8", "attack.shadow_steps=2", "logger=none", "runtime.device=cpu"]
    words = ["-m", "dataset=svhn,cifar10", "unlearner=rt,ng", "attack=param_diff", path, *small]
    done = cli(*words, cwd=tmp_path)
    assert done.code == 0
    assert "Error" not in done.err
    found = entries(tmp_path / "outputs" / "runs" / "adhoc")
    assert {entry["status"] for entry in found.values()} == {"done"}
    assert {tuple(name.split("-")[:3]) for name in found} == {
        (d, "resnet18", u) for d in ("svhn", "cifar10") for u in ("rt", "ng")
    }


def test_in_a_sweep_a_wrong_pair_is_skipped(cli, shared, tmp_path):
    words = overrides_in(shared, f"runs={tmp_path}", "screening=youden")
    done = cli("-m", *words[:-1], "screening=youden,entropy,kmeans", cwd=tmp_path)
    assert done.code == 0
    assert sorted(entry["status"] for entry in entries(tmp_path).values()) == ["done", "done", "skipped"]
    assert "skipped 1: screening=entropy" in done.out
    assert_for_people(done)


def test_in_a_sweep_one_failure_spares_the_others(cli, shared, tmp_path):
    words = overrides_in(shared, f"runs={tmp_path}", "forget_classes=[1]")
    done = cli("-m", *words[:-1], "forget_classes=[1],[9],[2]", cwd=tmp_path)
    assert done.code == 1
    assert sorted(entry["status"] for entry in entries(tmp_path).values()) == ["done", "done", "failed"]
    assert "there is no class 9" in done.err
    assert "1 that cannot be planned" in done.out  # at once, not only at the end
    assert_for_people(done)
    (failed,) = [name for name, entry in entries(tmp_path).items() if entry["status"] == "failed"]
    assert "-9-" in failed


def test_another_sweepers_dry_run_trains_nothing_and_says_what_it_would_do(cli, shared, tmp_path):
    words = overrides_in(shared, f"runs={tmp_path}", f"store={tmp_path / 'store'}", "dry_run=true")
    done = cli("-m", "hydra/sweeper=basic", *words, "seed=0,1", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.out.count("jobs 1: originals 1, unlearned 1, evidence 1, verdicts 1") == 2
    assert sorted(path.name for path in (tmp_path / "store").iterdir() if path.name[0] != ".") == ["data"]
    assert not entries(tmp_path)


def test_a_value_beside_swept_components_goes_to_those_that_have_it(cli, shared, tmp_path):
    words = [word for word in overrides_in(shared, f"runs={tmp_path}") if not word.startswith(("unlearner", "store"))]
    words += [f"store={tmp_path / 'store'}", "dry_run=true", "unlearner.lr=0.1"]
    done = cli("-m", *words, "unlearner=ft,rl", cwd=tmp_path)
    assert (done.code, "unlearned 2" in done.out) == (0, True), done.err
    done = cli("-m", *words, "unlearner=rt,ft", cwd=tmp_path)
    assert done.code == 1
    assert_for_people(done)
    assert "unlearner.lr=0.1 suits unlearner=ft; there is no such setting in unlearner=rt" in done.err


# What people are told


def assert_for_people(done: Finished) -> None:
    assert "Traceback" not in done.out + done.err
    assert "unexpected" not in done.err


def truncated(folder: Path) -> list[str]:
    path = write_npz(folder / "bad.npz")
    path.write_bytes(path.read_bytes()[:500])
    return [f"dataset.path={path}"]


def with_arrays(folder: Path, **changed) -> list[str]:
    return [f"dataset.path={write_npz(folder / 'bad.npz', **changed)}"]


def wrong_label(folder: Path) -> list[str]:
    labels = images()["train_labels"]
    labels[3] = -1
    return with_arrays(folder, train_labels=labels)


MISTAKES = {
    "unknown group option": (["attack=param_dto"], ["param_dto", "param_dot", "param_diff"]),
    "unknown setting": (["attack.headz=3"], ["attack.headz", "heads", "subset_size"]),
    "unknown group": (["atack=param_dot"], ["atack", "attack"]),
    "unknown setting, added": (["+attack.headz=3"], ["attack.headz", "heads", "subset_size"]),
    "unknown key at the top": (["+colour=1"], ["colour", "forget_classes"]),
    "no override at all": (["attack"], ["attack"]),
    "two grids": (["+sweep=smoke,demo"], ["+sweep=smoke,demo", "one grid", "+sweep=smoke"]),
    "objective": (["objective=asrr"], ["objective=asrr", "retain_acc"]),
    "only=failed of one": (["only=failed"], ["only=failed", "sweeps"]),
    "no class": (["forget_classes=[]"], ["[]", "empty", "[0]"]),
    "a class twice": (["forget_classes=[1,1]"], ["[1, 1]", "twice", "0..3"]),
    "a class out of range": (["forget_classes=[4]"], ["4", "0..3"]),
    "all classes": (["forget_classes=[0,1,2,3]"], ["every class", "at most 3"]),
    "classes as text": (["forget_classes=some"], ["some", "draw:"]),
    "classes missing": (["forget_classes=null"], ["None", "list"]),
    "more drawn than there are": (["forget_classes=draw:4"], ["draw:4", "1..3"]),
    "screening": (["screening=entropy"], ["entropy", "param_dot", "youden", "kmeans"]),
    "no such file": (["dataset.path=nowhere.npz"], ["nowhere.npz", ".npz"]),
    "truncated file": (truncated, ["bad.npz", "train_images"]),
    "wrong shape": (lambda f: with_arrays(f, train_images=np.zeros((80, 9), np.uint8)), ["(80, 9)", "[N,H,W]"]),
    "label out of range": (wrong_label, ["label -1", "0..3"]),
    "too few auxiliary images": (["attack.subset_size=7"], ["attack.subset_size=7", "dataset.auxiliary_per_class=6"]),
    "device": (["runtime.device=cuda:63"], ["cuda:63", "cpu", "runtime.device=auto"]),
    "target": (["attack._target_=os.system"], ["os.system", "unlearnleak"]),
    "type": (["attack.heads=many"], ["attack.heads", "many", "integer"]),
    "value": (["attack.heads=0"], ["attack.heads=0", "at least 1"]),
    "not a number": (["training.lr=nan"], ["training.lr", "nan", "finite"]),
    "group made a value": (["training=null"], ["training", "group of settings"]),
    "reference": (["training.lr=${nowhere}"], ["nowhere"]),
    "store is a file": (lambda f: [f"store={write_npz(f / 'bad.npz')}"], ["bad.npz", "store=PATH"]),
    "no component": (["~attack"], ["attack"]),
    "W&B without a key": (["logger=wandb", "logger.mode=online"], ["WANDB_MODE=offline", "logger=none"]),
    "W&B's mode": (["logger=wandb", "logger.mode=onlin"], ["onlin", "offline, online, disabled"]),
    "diverged": (["training.lr=1e12", "training.warmup_epochs=0"], ["diverged", "training.lr"]),
}


@pytest.mark.parametrize(("words", "parts"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_explained(cli, shared, tmp_path, words, parts):
    own = words(tmp_path) if callable(words) else words
    named = {word.partition("=")[0] for word in own}
    given = overrides_in(shared, f"runs={tmp_path / 'runs'}", "attack=param_dot")
    kept = [
        word for word in given if word.partition("=")[0] not in named and not (own == ["~attack"] and "attack" in word)
    ]
    done = cli(*kept, *own, cwd=tmp_path, HOME=str(tmp_path), NETRC=str(tmp_path / "netrc"), WANDB_API_KEY="")
    assert done.code == 1, done.out + done.err
    assert_for_people(done)
    told = " ".join(done.err.split())
    for part in parts:
        assert part in told
    for name, entry in entries(tmp_path / "runs").items():
        assert entry["status"] == "failed", name
        assert entry["why"]


def test_a_download_that_cannot_be_is_told_fast(cli, tmp_path):
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    start = time.perf_counter()
    done = cli("dataset=mnist", "logger=none", "runtime.device=cpu", cwd=tmp_path, no_proxy="", NO_PROXY="", **proxy)
    assert done.code == 1
    assert_for_people(done)
    assert time.perf_counter() - start < PATIENCE / 2
    for part in ("dataset=mnist", "dataset.root=data", "dataset.path=FILE.npz"):
        assert part in done.err


@pytest.fixture
def full_disk(tmp_path):
    """A folder on a file system of 64 KiB."""
    folder = tmp_path / "full"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_under_the_store_is_told(cli, shared, full_disk, tmp_path):
    done = cli(*overrides_in(shared, f"runs={tmp_path / 'runs'}", f"store={full_disk}"), cwd=tmp_path)
    assert done.code == 1
    assert_for_people(done)
    for part in (str(full_disk), "No space left", "store=PATH"):
        assert part in done.err
    (entry,) = entries(tmp_path / "runs").values()
    assert entry["status"] == "failed"


def test_a_full_disk_under_the_runs_is_told(cli, shared, full_disk, tmp_path):
    (full_disk / "ballast").write_bytes(b"x" * 48_000)
    done = cli(*overrides_in(shared, f"runs={full_disk}", f"store={tmp_path}"), cwd=tmp_path)
    assert done.code == 1
    assert_for_people(done)
    assert "No space left" in done.err
    assert "runs=" in done.err


PLUGIN = """
from unlearnleak.adversary.evidence import DotProducts
from unlearnleak.screening.base import Screening

class Surprise(Screening):
    version = 1
    accepts = (DotProducts,)

    def __call__(self, evidence):
        return 1 / 0
"""


def test_a_plugins_surprise_is_told_without_a_stack_trace_and_kept_with_one(cli, shared, tmp_path):
    # An installed package that declares itself is trusted; what goes wrong in it is a bug, not a user's mistake.
    site = tmp_path / "site"
    (site / "plugin-1.0.dist-info").mkdir(parents=True)
    (site / "plugin.py").write_text(PLUGIN)
    (site / "plugin-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (site / "plugin-1.0.dist-info" / "entry_points.txt").write_text("[unlearnleak.plugins]\nplugin = plugin\n")
    words = overrides_in(shared, f"runs={tmp_path / 'runs'}", "screening._target_=plugin.Surprise")
    done = cli(*words, cwd=tmp_path, PYTHONPATH=str(site))
    assert done.code == 1
    assert "Traceback" not in done.out + done.err
    assert "unexpected ZeroDivisionError in the plugin plugin, line 10: division by zero" in done.err
    assert "for whoever made the plugin" in done.err
    (entry,) = entries(tmp_path / "runs").values()
    assert "Traceback" in entry["traceback"]
    (log,) = (tmp_path / "runs").rglob("run.log")
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("setting", ["min_samples_leaf", "max_depth"])
def test_a_tree_that_cannot_grow_is_refused_before_anything_is_trained(cli, shared, tmp_path, setting):
    words = overrides_in(shared, f"store={tmp_path / 's'}", "attack=param_diff", f"screening.{setting}=-3")
    done = cli(*words, cwd=tmp_path)
    assert done.code == 1
    assert f"screening.{setting}=-3" in done.err
    assert not (tmp_path / "s").exists()


def test_printing_the_config_of_a_sweep_is_refused_plainly(tmp_path):
    done = shell("-m", "unlearnleak.run", "-m", "unlearner=rt,rl", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 1
    assert "Only one of" in done.stderr
    assert "unexpected" not in done.stderr


# Quick words


@pytest.mark.parametrize(
    "words", [["--help"], ["--cfg", "job"], ["dataset=svhn", "--cfg", "all"], ["--version"]], ids=" ".join
)
def test_what_trains_nothing_loads_nothing_heavy(tmp_path, words):
    code = "import atexit, runpy, sys\natexit.register(lambda: print('MODULES', *sys.modules, file=sys.stderr))\n"
    code += f"sys.argv = ['unlearnleak', *{words!r}]\nrunpy.run_module('unlearnleak.run', run_name='__main__')"
    start = time.perf_counter()
    done = shell("-c", code, cwd=tmp_path)
    print(f"{words}: {time.perf_counter() - start:.2f} s")
    assert done.returncode == 0, done.stderr
    assert done.stdout
    loaded = {name.partition(".")[0] for name in done.stderr.split("MODULES ")[1].split()}
    assert loaded & HEAVY == set()
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_components(cli, tmp_path):
    out = cli("--help", cwd=tmp_path).out
    for word in ("param_dot", "youden", "svhn", "ng"):
        assert word in out


def test_the_commands_are_reached(cli, tmp_path):
    done = cli("table", "nowhere", cwd=tmp_path)
    assert done.code == 1
    assert "no folder nowhere" in done.err


# Stopped from outside


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
def test_a_stopped_job_says_so_and_goes_on_later(python, shared, tmp_path, sent, code):
    words = overrides_in(shared, f"runs={tmp_path}", f"store={tmp_path / 'store'}", "training.epochs=1000000")
    running = python.start("-m", "unlearnleak.run", *words, cwd=tmp_path)
    wait_until(
        lambda: any("computing original" in log.read_text() for log in tmp_path.rglob("run.log")), "the training"
    )
    time.sleep(0.7)  # into the training itself
    os.kill(running.pid, sent)
    done = running.wait()
    assert done.code == code
    assert "Traceback" not in done.out + done.err
    (entry,) = entries(tmp_path).values()
    assert entry["status"] == "failed"
    assert not list(tmp_path.rglob("result.json"))
