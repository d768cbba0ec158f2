"""Random numbers: every stage draws from generators of its own.

So a stage that was found in the store, and drew nothing, changes no number of the stages after it.
"""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


def derive(seed: int, *names: str) -> int:
    """A 63-bit seed that depends on `seed` and on every name, such as ("original", "weights").

    The first 63 bits of SHA-256 of "seed/name/name". Names that hold a slash are for the caller to keep
    apart.
    """
    text = "/".join((str(seed), *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str) -> torch.Generator:
    """A CPU generator seeded by `derive`. CPU also for GPU runs: the same draws on every device."""
    return torch.Generator().manual_seed(derive(seed, *names))


@contextlib.contextmanager
def isolated(seed: int, *names: str) -> Iterator[None]:
    """Seed torch's global CPU generator inside the block and restore it afterwards, whatever happens there.

    For code that cannot be handed a generator, such as the initialisation of torch.nn layers. The generators
    of GPUs are left alone: build on the CPU what is to be the same on every device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, *names))
        yield
