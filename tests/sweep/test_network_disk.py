"""Two hosts run one sweep on one disk without locks, whose attributes come late: each thing is published once."""

import json
from pathlib import Path

from tests.commandline import WarmPython
from tests.sweep.direct import sweep
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.status import RESULT, read_result
from unlearnleak.store import Store
from unlearnleak.store.listing import entries

GRID = ["unlearner=rt,ft", "attack=head_sum,aux_confidence"]
HOST = """
import sys, time
from pathlib import Path
from tests.sweep.direct import sweep
from tests.sweep.network_disk import NetworkDisk

folder, own, other = Path(sys.argv[1]), *map(Path, sys.argv[2:4])
own.touch()
while not other.exists():
    time.sleep(0.01)
disk = NetworkDisk(folder, own.name)
disk.install()
sweep(folder, *sys.argv[4:])
print(disk.late)
"""


def numbers(runs: Path) -> dict[str, dict[str, object]]:
    """What each run measured, without what says when, where and how long."""
    found = {}
    for path in runs.glob("adhoc/*/result.json"):
        result = read_result(path)
        kept = ("asr", "scores", "verdict", "forget_acc", "retain_acc", "identity")
        name = path.parent.name.rpartition("-")[0]  # what follows is of the path of the images
        found[name] = {key: value for key, value in result.items() if key in kept}
    return found


def test_two_hosts_on_one_disk_come_to_the_same_bits(tmp_path: Path, python: WarmPython) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    shared.mkdir()
    sweep(alone, *GRID)
    (shared / "images.npz").write_bytes((alone / "images.npz").read_bytes())
    hosts = tmp_path / "host-one", tmp_path / "host-two"
    running = [
        python.start("-c", HOST, str(shared), str(own), str(other), *GRID) for own, other in (hosts, hosts[::-1])
    ]
    ends = [one.wait() for one in running]
    assert [end.code for end in ends] == [0, 0], "\n".join(end.err for end in ends)
    assert all(int(end.out.split()[-1]) > 0 for end in ends)  # answers of the disk were late indeed
    assert numbers(shared / "runs") == numbers(alone / "runs")
    assert {run["status"] for run in load_runs([shared / "runs"])} == {"done"}
    store, reference = Store(shared / "store"), Store(alone / "store")
    kept, wanted = list(entries(store.root)), list(entries(reference.root))
    assert [(one.stage, one.key) for one in kept] == [(one.stage, one.key) for one in wanted]
    for one in kept:  # every byte of it is checked, and its tensors are those that one host alone computes
        found, expected = store.find(one.stage, one.payload), reference.find(one.stage, one.payload)
        assert found.tensors.keys() == expected.tensors.keys()
        assert all(found.tensors[name].equal(expected.tensors[name]) for name in found.tensors)
    assert [path for path in shared.rglob("*") if path.name.endswith(".tmp") or path.name == ".earlier"] == []
    assert all(json.loads(path.read_text()) for path in shared.rglob(RESULT))
