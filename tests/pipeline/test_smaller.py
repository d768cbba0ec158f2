import json

import pytest
import torch

from tests.jobs import composed
from tests.sweep.direct import sweep
from unlearnleak.attack.noise_prior import NoisePrior
from unlearnleak.errors import UserError
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.smaller import smaller
from unlearnleak.unlearner.base import TrainingUnlearner


@pytest.mark.parametrize(
    ("words", "stage", "named"),
    [
        ([], "original", ["training.batch_size"]),
        (["unlearner=au"], "original", ["training.batch_size", "unlearner.ledger_classes"]),
        (["finetuning.samples=40"], "original", ["finetuning.batch_size"]),
        (["finetuning.samples=40"], "pretrained", ["training.batch_size"]),
        ([], "unlearned", ["training.batch_size"]),
        (["unlearner=ft"], "unlearned", ["unlearner.batch_size"]),
        (["unlearner=scrub"], "unlearned", ["unlearner.batch_size", "unlearner.forget_batch_size"]),
        (["attack=param_diff"], "evidence", ["attack.chunk"]),
        (["attack=inversion_gradient"], "evidence", ["attack.chunk"]),
        (["attack=gradient_matching"], "evidence", ["attack.restarts"]),
        (["attack=head_sum"], "evidence", []),
        ([], "verdict", []),
    ],
)
def test_what_takes_less_memory_depends_on_the_stage(words, stage, named):
    assert smaller(make_plan(composed("dataset=digits", "logger=none", *words)), stage) == named


@pytest.mark.parametrize(
    ("owner", "method", "stage", "settings"),
    [
        (NoisePrior, "__call__", "evidence", "with fewer jobs at once"),
        (TrainingUnlearner, "unlearn", "unlearned", "with a smaller unlearner.batch_size, with fewer jobs at once"),
    ],
)
def test_a_stage_that_does_not_fit_fails_in_one_line_and_the_sweep_goes_on(
    tmp_path, monkeypatch, owner, method, stage, settings
):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB, of which 1.00 MiB is free.")

    monkeypatch.setattr(owner, method, full)
    words = ["attack=head_sum", "unlearner=none,ft"] if method == "unlearn" else ["attack=noise_prior,head_sum"]
    with pytest.raises(UserError, match="1 of 2 jobs failed, 1 done"):
        sweep(tmp_path, *words, "screening=threshold")
    said = [json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/[!.]*/status.json")]
    (why,) = {each["why"].removeprefix(f"its {stage} failed: ") for each in said if each["status"] == "failed"}
    assert why == (
        f"GpuFull: The GPU has not enough memory for the stage {stage} (2.00 GiB more were asked for, and 1.00 MiB "
        f"are free). Less is taken {settings} (hydra.launcher.jobs_per_gpu); or take a larger GPU."
    )
