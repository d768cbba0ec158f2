"""Random numbers: every stage draws from generators of its own, so that a cache hit changes nothing downstream."""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


def derive(seed: int, *names: str) -> int:
    """A 63-bit seed that depends on `seed` and on every name, such as ("original", "weights")."""
    text = "/".join((str(seed), *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str) -> torch.Generator:
    """A CPU generator seeded by `derive`. CPU also for GPU runs: the same draws on every device."""
    return torch.Generator().manual_seed(derive(seed, *names))


@contextlib.contextmanager
def isolated(seed: int, *names: str) -> Iterator[None]:
    """Seed torch's global generator inside the block and restore it afterwards.

    For code that cannot be handed a generator, such as the initialisation of torch.nn layers.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, *names))
        yield
