import struct
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

PACKED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """Return a function from a packed set's name to its .npz file; skips where there are no packed sets."""
    folder = tmp_path_factory.mktemp("unpacked")

    def unpack(name: str) -> Path:
        file = folder / f"{name}.npz"
        if not PACKED.joinpath("unpack.py").is_file():
            pytest.skip("the packed image sets (shared/data beside the checkout) are not here")
        if not file.exists():
            subprocess.run([sys.executable, PACKED / "unpack.py", folder, name], check=True, capture_output=True)
        return file

    return unpack


@pytest.fixture
def no_network(monkeypatch):
    """Fail every download as an unreachable host does."""

    def unreachable(*_args, **_kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)


@pytest.fixture
def arrays():
    """Give valid arrays of 10 classes, 30 training and 10 test images of each, 6×7 in colour."""
    draw = np.random.default_rng(0)
    labels = {"train": np.repeat(np.arange(10), 30), "test": np.repeat(np.arange(10), 10)}
    return {
        f"{part}_{kind}": draw.integers(0, 256, (len(values), 6, 7, 3), np.uint8) if kind == "images" else values
        for part, values in labels.items()
        for kind in ("images", "labels")
    }


def _idx(array: np.ndarray) -> bytes:
    """Return uint8 values in the IDX format: zero bytes, type, number of axes, big-endian sizes, values."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def write_idx():
    """Return a function that writes 200 + 50 images as MNIST's unpacked files, and gives the arrays."""

    def write(folder: Path) -> dict[str, np.ndarray]:
        draw, written = np.random.default_rng(0), {}
        folder.mkdir(parents=True)
        for part, stem, count in (("train", "train", 200), ("test", "t10k", 50)):
            written[f"{part}_images"] = draw.integers(0, 256, (count, 28, 28), np.uint8)
            written[f"{part}_labels"] = (np.arange(count) % 10).astype(np.uint8)
            folder.joinpath(f"{stem}-images-idx3-ubyte").write_bytes(_idx(written[f"{part}_images"]))
            folder.joinpath(f"{stem}-labels-idx1-ubyte").write_bytes(_idx(written[f"{part}_labels"]))
        return written

    return write
