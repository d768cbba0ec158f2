"""The search for probing images as one step that is the same whatever was accepted, for GPUs.

Where a look costs nothing but time, accepted images need not leave the batch: they stay where they are and are looked
at again. So a step has one shape, asks the device nothing, and can be captured once for all starts.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from unlearnleak.adversary.looks import SURE, Look, Moments, Seen
from unlearnleak.machine.graphs import repeated

LOOKED_AFTER = 10
"""After so many steps the device is asked whether any image is left to be moved.

That is waited for: whoever launched on without the answer would have all steps launched before the first is done, and
none would be saved. A wait costs a GPU the time of one launch in ten steps.
"""


class StillSearch:
    """Adam on a batch of at most B images of X pixels until a model is sure of them, as `probes.ProbeSearch` does it.

    Args:
        look: the model, which shows all slopes of an image.
        x_BX: where the images are held.
        steps, lr, lr_sure, accept: as there.
    """

    def __init__(self, look: Look, x_BX: Tensor, *, steps: int, lr: float, lr_sure: float, accept: float) -> None:
        self.look, self.x_BX = look, x_BX
        self.steps, self.lr, self.lr_sure, self.accept = steps, lr, lr_sure, accept
        self.class_B = torch.zeros(len(x_BX), dtype=torch.int64, device=x_BX.device)
        self.place_B = torch.zeros_like(self.class_B)
        self.p_B, self.going_B = torch.zeros_like(x_BX[:, 0]), torch.zeros_like(self.class_B, dtype=torch.bool)
        self.moments = Moments(x_BX)
        self._again: Callable[[], None] | None = None

    def descend(
        self, x_bX: Tensor, class_b: Tensor, place_b: Tensor, stepped: Callable[[], object]
    ) -> tuple[Tensor, Tensor]:
        """From one start each, of at most B: the images where they are accepted or end, and the probabilities there."""
        count = len(x_bX)
        for held, new in ((self.x_BX, x_bX), (self.class_B, class_b), (self.place_B, place_b)):
            held[:count].copy_(new)
        self.going_B.fill_(False)[:count].fill_(True)
        self.moments.forget()
        if self._again is None:
            what = "a step of the search for probes"
            self._again = repeated(self._step, self._state, self.x_BX.device, what, times=self.steps)
        for number in range(1, self.steps + 1):
            self._again()
            stepped()
            if number % LOOKED_AFTER == 0 and not self.anyone_left():
                break
        self._seen()
        return self.x_BX[:count].clone(), self.p_B[:count].clone()

    def anyone_left(self) -> bool:
        """Whether some image is still to be moved: the one question of a search to the device."""
        return bool(self.going_B.any())

    def _state(self) -> list[Tensor]:
        moments = self.moments
        return [self.x_BX, self.p_B, self.going_B, moments.first_BX, moments.second_BX, moments.count_BX]

    def _seen(self) -> Seen:
        """What the model shows; of those still going it is noted, and who is accepted now goes no further."""
        seen = self.look(self.x_BX, self.class_B, self.place_B)
        self.p_B.copy_(torch.where(self.going_B, seen.p_B, self.p_B))
        self.going_B.logical_and_(seen.p_B < self.accept)
        return seen

    def _step(self) -> None:
        seen = self._seen()
        move_BX = self.moments.step_in_place(seen.slope(slice(None))[0])
        length_B = torch.where(seen.p_B > SURE, self.lr_sure, self.lr)
        moved_BX = (self.x_BX - length_B[:, None] * move_BX).clamp(0, 1)
        self.x_BX.copy_(torch.where(self.going_B[:, None], moved_BX, self.x_BX))
