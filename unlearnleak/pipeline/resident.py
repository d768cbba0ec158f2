"""Images on a GPU stay there from one job of a worker to the next.

Reading a file of 50,000 colour images, dividing them and taking them to the GPU takes a second and more, which is
longer than many an evidence, and a sweep's jobs ask for the same few divisions again and again. On a CPU nothing is
kept: there the copies would be taken out of main memory for as long as a worker lives.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch

from unlearnleak.data import Splits
from unlearnleak.store import key_of

KEPT = 2
"""Divisions that a process keeps, as of two seeds."""

_kept: OrderedDict[str, Splits] = OrderedDict()


def on_device(splits: Callable[[], Splits], determined_by: Mapping[str, Any], device: torch.device) -> Splits:
    """The images that `splits` reads, on the device; on a GPU those that were read there before, where the same
    determines them: the content of a file is part of it, never its name.
    """
    if device.type != "cuda":
        return moved(splits(), device)
    key = key_of({**determined_by, "device": str(device)})
    if key not in _kept:
        while len(_kept) >= KEPT:
            _kept.popitem(last=False)
        _kept[key] = moved(splits(), device)
    _kept.move_to_end(key)
    return _kept[key]


def moved(splits: Splits, device: torch.device) -> Splits:
    """The same images on a device."""
    train, test, auxiliary = (part.to(device) for part in (splits.train, splits.test, splits.auxiliary))
    return Splits(train, test, auxiliary, splits.mean, splits.std)
