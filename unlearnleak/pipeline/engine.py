"""The engine: finds the artifacts of stages in the store or has them computed, and measures what that takes."""

import resource
import time
from pathlib import Path
from typing import Any

import torch

import unlearnleak
from unlearnleak.config.variables import recorded_variables
from unlearnleak.machine.device import count_memory_anew, peak_memory
from unlearnleak.machine.hardware import hardware
from unlearnleak.machine.memory import shortage_told
from unlearnleak.pipeline.graph import Stage
from unlearnleak.pipeline.plan import Plan
from unlearnleak.pipeline.smaller import smaller
from unlearnleak.store import Artifact, Contents
from unlearnleak.training.checkpoint import FOLDER, Checkpoints


class Engine:
    """Finds or computes stages with a plan's store and device; `artifacts` holds those so far, by their keys.

    Where another process computes a stage already, it is waited for; with `wait` false, `store.Busy` is raised instead.
    """

    def __init__(self, plan: Plan, *, wait: bool = True) -> None:
        self.plan, self.wait = plan, wait
        self.artifacts: dict[tuple[str, str], Artifact] = {}

    def artifact(self, stage: Stage) -> Artifact:
        """A stage's artifact, with what it took and what it was made with when it was computed.

        Seconds are the stage's own. `memory_mib` is the most that the process had held by then, earlier jobs of a sweep
        included; on a GPU `device_memory_mib` is the stage's own peak. `resumed_from_epoch` is there where a training
        was killed and went on; its seconds then count the epochs before, and the checkpoint is removed.
        """
        name = (stage.name, stage.key)
        if name in self.artifacts:
            return self.artifacts[name]
        work = StageWork(self, stage)

        def measured() -> Contents:
            count_memory_anew(work.device)
            start = time.perf_counter()
            with shortage_told(stage.name, smaller(self.plan, stage.name)):
                tensors, meta = stage.compute(work)
            meta["seconds"] = time.perf_counter() - start
            meta["made_with"] = made_with(work.device)
            meta["hardware"] = hardware(work.device)
            for training in work.trainings:
                if training.resumed_from_epoch:
                    meta["resumed_from_epoch"] = training.resumed_from_epoch
                    meta["seconds"] += training.seconds_before
            meta["memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            return Contents(tensors, meta | peak_memory(work.device))

        self.artifacts[name] = self.plan.store.get_or_compute(stage.name, stage.payload, measured, wait=self.wait)
        for training in work.trainings:
            training.discard()
        return self.artifacts[name]


class StageWork:
    """`graph.Work` for one stage of an engine; `trainings` are the checkpoints that it has asked for."""

    def __init__(self, engine: Engine, stage: Stage) -> None:
        self.engine, self.stage = engine, stage
        self.trainings: list[Checkpoints] = []

    def __getitem__(self, role: str) -> Artifact:
        return self.engine.artifact(self.stage.parents[role])

    @property
    def device(self) -> torch.device:
        """Where the stage is computed. The data's facts need no GPU: sweeps are planned where there is none."""
        return torch.device("cpu") if self.stage.cpu else self.engine.plan.device

    def checkpoints(self, part: str = "") -> Checkpoints | None:
        """A place beside the store of the stage's own, by its key."""
        seconds = self.engine.plan.runtime.checkpoint_seconds
        if seconds is None:
            return None
        folder: Path = self.engine.plan.store.root / FOLDER / self.stage.name / f"{self.stage.key}{part}"
        checkpoints = Checkpoints(folder=folder, seconds=seconds, made_with=made_with(self.device))
        self.trainings.append(checkpoints)
        return checkpoints


def made_with(device: torch.device) -> dict[str, Any]:
    """What may change the last bits of an artifact and is in no key."""
    return {
        "unlearnleak": unlearnleak.__version__,
        "torch": torch.__version__,
        "device": device.type,
        "threads": torch.get_num_threads(),
    } | recorded_variables()
