"""Memory that is free, from trees of files as kernels and containers show them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from unlearnleak.errors import UserError
from unlearnleak.machine.memory import GIBIBYTE, free_memory, offer_this_process, shortage_told

HUGE = 9223372036854771712  # version 1's "no limit"
V1 = "32 31 0:29 {root} /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory"
V1_OTHER = "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct"
V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"


def tree(folder: Path, *, member: str, mounts: list[str], groups: dict[str, tuple[object, int, int]], gib: float = 64):
    """A machine with `gib` free; groups by their place: limit, used and cached bytes."""
    files = {"proc/self/cgroup": f"5:cpu,cpuacct:/elsewhere\n{member}\n", "proc/self/mountinfo": "\n".join(mounts)}
    files["proc/meminfo"] = f"MemFree:  1 kB\nMemAvailable:  {int(gib * 2**20)} kB\n"
    for place, (limit, used, cached) in groups.items():
        first = "memory" in Path(place).parts
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if first else ("memory.max", "memory.current")
        files |= {f"{place}/{names[0]}": f"{limit}\n", f"{place}/{names[1]}": f"{used}\n"}
        files[f"{place}/memory.stat"] = f"cache 7\n{'total_inactive_file' if first else 'inactive_file'} {cached}\n"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return free_memory(folder)


TWO, ONE = "sys/fs/cgroup", "sys/fs/cgroup/memory"
G = GIBIBYTE
CASES = {
    "no limit, 2": ("0::/a", V2, {f"{TWO}/a": ("max", 3 * G, 0)}, 64),
    "no limit, 1": ("4:memory:/a", V1, {f"{ONE}/a": (HUGE, 3 * G, 0)}, 64),
    "own limit, 2": ("0::/a", V2, {f"{TWO}/a": (8 * G, 3 * G, 0)}, 5),
    "own limit, 1": ("4:memory:/a", V1, {f"{ONE}/a": (8 * G, 3 * G, 0)}, 5),
    "cached pages can go, 2": ("0::/a", V2, {f"{TWO}/a": (8 * G, 7 * G, 4 * G)}, 5),
    "cached pages can go, 1": ("4:memory:/a", V1, {f"{ONE}/a": (8 * G, 7 * G, 4 * G)}, 5),
    "of a group around it, 2": ("0::/a/b", V2, {f"{TWO}/a/b": ("max", G, 0), f"{TWO}/a": (4 * G, 2 * G, 0)}, 2),
    "of a group around it, 1": ("4:memory:/a/b", V1, {f"{ONE}/a/b": (HUGE, G, 0), f"{ONE}/a": (4 * G, 2 * G, 0)}, 2),
    "the container's own, 2": ("0::/", V2, {TWO: (G, G // 2, 0)}, 0.5),
    "the container's own, 1": ("4:memory:/docker/7", V1.replace("{root}", "/docker/7"), {ONE: (G, G // 2, 0)}, 0.5),
    "seen from outside, 1": ("4:memory:/docker/7", V1.replace("{root}", "/other"), {ONE: (G, G // 2, 0)}, 0.5),
    "with another controller, 1": ("4:cpu,memory:/a", V1.replace("rw,m", "rw,cpu,m"), {f"{ONE}/a": (G, 0, 0)}, 1),
    "beyond its limit": ("0::/a", V2, {f"{TWO}/a": (G, 2 * G, 0)}, 0),
    "both versions at once": ("4:memory:/a\n0::/a", f"{V2}\n{V1}", {f"{ONE}/a": (G, 0, 0)}, 1),
    "not there": ("0::/a", V2, {}, 64),
}


@pytest.mark.parametrize("case", CASES)
def test_limits_count(tmp_path, case):
    member, mount, groups, gib = CASES[case]
    mounts = [V1_OTHER, *mount.replace("{root}", "/").splitlines()]
    assert tree(tmp_path, member=member, mounts=mounts, groups=groups) == gib * GIBIBYTE


def test_where_memory_gets_slow_is_a_limit_too(tmp_path):
    (tmp_path / TWO / "a").mkdir(parents=True)
    (tmp_path / TWO / "a/memory.high").write_text(f"{2 * G}\n")
    groups = {f"{TWO}/a": ("max", G, 0)}
    assert tree(tmp_path, member="0::/a", mounts=[V2.replace("{root}", "/")], groups=groups) == G


def test_what_the_machine_has_is_the_most(tmp_path):
    groups = {f"{TWO}/a": (8 * G, 0, 0)}
    assert tree(tmp_path, member="0::/a", mounts=[V2.replace("{root}", "/")], groups=groups, gib=2) == 2 * G


def test_a_machine_that_tells_nothing(tmp_path):
    assert free_memory(tmp_path) is None


def test_this_machine_tells():
    assert free_memory() is None or free_memory() > 0


@pytest.mark.parametrize(("before", "after"), [(0, 250), (250, 500), (900, 1000)])
def test_a_process_goes_before_the_one_that_started_it(tmp_path, before, after):
    path = tmp_path / "oom_score_adj"
    path.write_text(f"{before}\n")
    offer_this_process(path)
    assert int(path.read_text()) == after
    offer_this_process(tmp_path / "not there")


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="not Linux")
def test_a_process_may_offer_itself():
    code = (
        "from unlearnleak.machine.memory import *; offer_this_process(); print(open('/proc/self/oom_score_adj').read())"
    )
    words, root = [sys.executable, "-c", code], Path(__file__).resolve().parents[2]
    done = subprocess.run(words, cwd=root, env=os.environ, capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 250


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 29.0 GiB for an array"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.\nmore"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    ],
)
def test_a_shortage_of_memory_is_told_with_what_takes_less(error):
    with pytest.raises(UserError, match=r"not enough memory.*training\.batch_size") as told, shortage_told():
        raise error
    assert "\n" not in str(told.value)
    with pytest.raises(RuntimeError, match="something else"), shortage_told():
        raise RuntimeError("something else")


CUDA = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.11 GiB of which 1.25 GiB is "
    "free. Including non-PyTorch memory, this process has 70.00 GiB memory in use. Of the allocated memory ..."
)


def test_a_gpu_that_is_full_is_told_with_the_bytes_and_the_settings_of_the_stage():
    with pytest.raises(UserError) as told, shortage_told("evidence", ["attack.chunk"]):
        raise torch.OutOfMemoryError(CUDA)
    assert str(told.value) == (
        "The GPU has not enough memory for the stage evidence (20.00 GiB more were asked for, and 1.25 GiB are free). "
        "Less is taken with a smaller attack.chunk, with fewer jobs at once (hydra.launcher.jobs_per_gpu); or take a "
        "larger GPU."
    )


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    ],
)
def test_libraries_on_a_gpu_say_it_in_their_own_words(words):
    with pytest.raises(UserError, match=r"^The GPU has not enough memory .*jobs_per_gpu"), shortage_told("verdict", []):
        raise RuntimeError(words)
