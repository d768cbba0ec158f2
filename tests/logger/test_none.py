from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.commandline import WarmPython
from unlearnleak.logger.base import RunLogger

CONF = Path(__file__).parents[2] / "conf" / "logger"
STEMS = sorted(path.stem for path in CONF.glob("*.yaml"))


def logger_from(stem: str, **overrides: object) -> RunLogger:
    logger = instantiate(OmegaConf.merge(OmegaConf.load(CONF / f"{stem}.yaml"), overrides))
    assert isinstance(logger, RunLogger)
    return logger


def whole_run(logger: RunLogger, directory: Path, *, exit_code: int = 0, seed: int = 0) -> None:
    """Every call of the interface, with the awkward values that real runs have."""
    draw = np.random.default_rng(seed)
    try:
        logger.start(
            directory=directory,
            name=f"digits-rt-{seed}",
            config={
                "unlearner": {"_target_": "acme.leaks.rt.B", "lr": 0.1, "goal": None},
                "forget": [3, 5],
                "seed": seed,
            },
            group="single_class",
            job_type="param_dot",
            tags=["digits", "none", "none"],
        )
        for model in ("original", "unlearned"):
            logger.curve(model, [{"epoch": e, "train_loss": float(draw.random()), "test_acc": 0.5} for e in (1, 2, 3)])
        logger.curve("defended", [])
        logger.table("scores", ["class", "score", "forgotten"], [[0, 0.25, True], [1, None, False]])
        logger.histogram("dot", {"0": draw.normal(size=50).tolist(), "1": [1.0, float("nan")], "2": []})
        images = draw.integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)
        images[2] = np.arange(64, dtype=np.uint8).reshape(8, 8) % 2  # nearly black
        logger.images("inverted", images, ["class 0", "class 1", "class 2"])
        logger.images("inverted_rgb", draw.integers(0, 256, (2, 3, 8, 8), dtype=np.uint8), ["a", "b"])
        logger.images("rows", np.zeros((2, 13, 1, 1), dtype=np.uint8), ["a", "b"])  # no pictures: they are left out
        logger.summary(
            {
                "asr": 0.9,
                "auroc": None,
                "exact_match": True,
                "gate": "passed",
                "seconds": {"original": 1.5, "rt": None},
            }
        )
    finally:
        logger.finish(exit_code=exit_code)
        logger.finish(exit_code=exit_code)


@pytest.mark.parametrize("stem", STEMS)
def test_yaml_and_module_share_their_name(stem: str) -> None:
    assert type(logger_from(stem)).__module__ == f"unlearnleak.logger.{stem}"


@pytest.mark.parametrize("mode", ["offline", "disabled"])
@pytest.mark.parametrize("stem", STEMS)
def test_contract(stem: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two whole runs by one logger, a failed one and a good one; files lie where they may."""
    monkeypatch.setenv("WANDB_MODE", mode)
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    logger = logger_from(stem)
    logger.finish(exit_code=1)
    whole_run(logger, tmp_path / "a", exit_code=1)
    whole_run(logger, tmp_path / "b", seed=1)
    made = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert made == ({("a", "wandb"), ("b", "wandb")} if (stem, mode) == ("wandb", "offline") else set())


def test_none_never_imports_wandb(python: WarmPython, tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tests.logger.test_none import logger_from, whole_run
whole_run(logger_from("none"), Path({str(tmp_path)!r}))
logger_from("wandb")
print([name for name in sys.modules if name.split(".")[0] == "wandb"])
"""
    done = python("-c", program)
    assert (done.code, done.out) == (0, "[]\n"), done.err
    assert list(tmp_path.iterdir()) == []
