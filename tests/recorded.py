"""What a CUDA graph does, on a CPU: the operations of a step, recorded once and repeated on the tensors that they met.

So a step that rebinds a name, reads a Python number that changes or asks what a tensor holds is found out without a
GPU. Questions that a GPU's capture would refuse are refused here as well.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from unlearnleak.machine.graphs import WARM_UPS, taken_back

ASKING = ("_local_scalar_dense", "nonzero", "_unique2", "unique_dim", "masked_select", "bincount", "equal")
"""Operations after which the host waits for the device."""


class Recorder(TorchDispatchMode):
    """Records every operation inside the block; `replay` repeats them into the same tensors."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        masks = [leaf for leaf in tree_leaves(args) if isinstance(leaf, Tensor) and leaf.dtype is torch.bool]
        if name in ASKING or (name in ("index", "index_put", "index_put_", "_index_put_impl_") and masks):
            raise RuntimeError(f"a capture would fail: {name} asks the device")
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise RuntimeError(f"a replay would draw nothing new: {name}")
        out = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, out))
        return out

    @torch.no_grad()
    def replay(self):
        for func, args, kwargs, out in self.calls:
            returned = [each.alias_info for each in func._schema.returns]
            if any(alias is not None and not alias.is_write for alias in returned):
                continue  # a view, which lies where it lay
            again = func(*args, **kwargs)
            if all(alias is None for alias in returned):
                for old, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                    if isinstance(old, Tensor):
                        old.copy_(new)


class Recorded:
    """Stands for `graphs.repeated`; `asked` are the names of the steps that it was given."""

    def __init__(self):
        self.asked = []

    def __call__(self, step: Callable[[], None], state, device, what, *, times=None) -> Callable[[], None]:
        self.asked.append(what)
        recorder = Recorder()
        with taken_back(state):
            for _ in range(WARM_UPS):
                step()
            with recorder:
                step()
        return recorder.replay
