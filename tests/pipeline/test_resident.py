import pytest
import torch

from tests.jobs import composed, images, overrides_in, write_npz
from unlearnleak.pipeline import resident
from unlearnleak.pipeline.plan import make_plan

GPU = torch.device("cuda", 0)


@pytest.fixture
def read(monkeypatch):
    """What was read so far; a GPU is pretended, whose memory is the main memory."""
    found = []
    monkeypatch.setattr(resident, "_kept", type(resident._kept)())
    monkeypatch.setattr(resident, "moved", lambda splits, device: found.append(splits) or splits)
    return found


def plan_in(folder, *words, device=GPU):
    plan = make_plan(composed(*overrides_in(folder, *words)))
    plan.__dict__["device"] = device
    return plan


def test_a_gpu_keeps_the_images_for_the_next_job(tmp_path, read):
    first, second = (plan_in(tmp_path, f"unlearner={name}").resident for name in ("rt", "ft"))
    assert first is second
    assert len(read) == 1


def test_another_seed_file_or_division_is_read_anew_and_the_oldest_goes(tmp_path, read):
    kept = plan_in(tmp_path, "seed=0").resident
    assert not torch.equal(plan_in(tmp_path, "seed=1").resident.train.images, kept.train.images)
    assert plan_in(tmp_path, "seed=0").resident is kept
    smaller = plan_in(tmp_path, "dataset.auxiliary_per_class=5").resident  # seed 1 goes
    assert len(smaller.auxiliary) < len(kept.auxiliary)
    assert len(read) == 3
    assert plan_in(tmp_path, "seed=0").resident is kept
    plan_in(tmp_path, "seed=1").resident  # noqa: B018
    assert len(read) == 4


def test_a_file_with_other_content_under_the_same_name_is_read(tmp_path, read):
    before = plan_in(tmp_path).resident
    write_npz(tmp_path / "images.npz", **images(train=30))
    after = plan_in(tmp_path).resident
    assert len(after.train) > len(before.train)


def test_a_cpu_keeps_nothing(tmp_path, read):
    cpu = torch.device("cpu")
    for _ in range(2):
        plan_in(tmp_path, device=cpu).resident  # noqa: B018
    assert len(read) == 2
    assert not resident._kept
