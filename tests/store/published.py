"""The artifact that these tests publish, and what must be true of it and of the store afterwards."""

import pytest
import torch

from unlearnleak.store import Contents

FILES = ("payload.json", "meta.json", "tensors.safetensors", "manifest.json")
PAYLOAD = {"seed": 0}


def computed():
    return Contents({"w": torch.arange(6.0).reshape(2, 3)}, {"curve": [0.5, 0.25]})


def never():
    pytest.fail("computed although it should not be")


def assert_sound(artifact):
    assert artifact is not None
    assert torch.equal(artifact.tensors["w"], computed().tensors["w"])
    assert artifact.meta == computed().meta


def litter(root):
    """What belongs to no published artifact: temporaries, locks, anything else."""
    files = (path for path in root.rglob("*") if not path.is_dir() and path.name not in FILES)
    return sorted({*files, *root.rglob("*.tmp")})
