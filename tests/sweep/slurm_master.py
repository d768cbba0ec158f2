"""A launching process with jobs of its own: python tests/sweep/slurm_master.py FOLDER SETTINGS... -- NAME=ACT...

Each job writes a line when it begins and one when it ends to FOLDER/NAME, and does what ACT says in between. What the
launcher returned goes to FOLDER/returned.json. The job function lives in `__main__`, as does that of the command line.
"""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.types import HydraContext, RunMode

CONF = Path(__file__).resolve().parents[2] / "conf"
BASE = [
    "hydra/launcher=slurm",
    "hydra/job_logging=stdout",
    "hydra.launcher.gpus_per_node=null",
    "hydra.launcher.cpus_per_task=1",
    "hydra.launcher.mem_gb=0.2",
    "hydra.launcher.interval_s=0.5",
    "hydra.launcher.grace_s=4",
    "hydra.launcher.timeout_min=10",
    "+hydra.launcher.wckey=tests",
]


def job(config: Any) -> str:
    """Do what the config says."""
    import os
    import signal
    import sys
    import time
    from pathlib import Path

    folder, name, act = Path(config.folder), str(config.name), str(config.act)
    mark = folder / name
    with mark.open("a") as file:
        file.write(f"begin {os.environ.get('SLURM_ARRAY_JOB_ID', '-')} {os.environ['SLURMD_NODENAME']} {os.getpid()}\n")
    first = mark.read_text().count("begin") == 1
    if act == "raises":
        raise ValueError(f"{name} cannot")
    if act == "exits":
        sys.exit(3)
    if act == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "leaves_at_first" and first:  # as Lightning does
        before = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, lambda *told: (before(*told), sys.exit(1)))
    if act.endswith("at_first") and first:
        time.sleep(600)
    while act == "waits" and not (folder / "go").exists():
        time.sleep(0.2)
    with mark.open("a") as file:
        file.write("end\n")
    return name


def main() -> None:
    """Launch, and write down what came back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    cut = sys.argv.index("--")
    folder = Path(sys.argv[1])
    overrides = [*BASE, f"hydra.sweep.dir={folder}/sweep", *sys.argv[2:cut]]
    jobs = [word.split("=") for word in sys.argv[cut + 1 :]]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        config = hydra.compose_config(None, overrides, RunMode.MULTIRUN, with_log_configuration=False)
        context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
        launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=job, config=config)
        words = [[f"+folder={folder}", f"+name={name}", f"+act={act}"] for name, act in jobs]
        returns = launcher.launch(words, 7)
    found = [(returned.status == JobStatus.COMPLETED, repr(returned._return_value)) for returned in returns]
    temporary = folder / f"returned-{os.getpid()}"
    temporary.write_text(json.dumps(found))
    temporary.rename(folder / "returned.json")


if __name__ == "__main__":
    main()
