"""Augmentation of a batch where it lies: random crops and flips, as whole-batch index arithmetic.

B images of a batch, S batches, C channels, H height, W width.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from unlearnleak.errors import UserError

AUGMENTATIONS = ("none", "crop_flip")
PAD = 4
"""Pixels of black around an image, in which the crop is drawn: what is usual for 32 pixels (He et al. 2016)."""


def drawn_moves(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """For each image where its crop begins, 0 to 2 PAD down and to the right, and whether it is flipped: [*shape, 3].

    Drawn on the CPU: the same for every device.
    """
    corner = torch.randint(2 * PAD + 1, (*shape, 2), generator=generator)
    flip = torch.randint(2, (*shape, 1), generator=generator)
    return torch.cat([corner, flip], -1)


def crop_flip(images_BCHW: Tensor, moves_B3: Tensor) -> Tensor:
    """Each image padded with black, cropped to its own size at its corner, then mirrored left to right if it is to be.

    As torchvision's RandomCrop(size, padding=PAD) and RandomHorizontalFlip behind it; the type stays. Launches kernels
    and asks the device nothing.
    """
    height, width = images_BCHW.shape[2:]
    down_B1, right_B1, flip_B1 = moves_B3[..., None].unbind(1)
    column_W = torch.arange(width, device=images_BCHW.device)
    column_BW = right_B1 + torch.where(flip_B1 == 1, width - 1 - column_W, column_W)
    row_BH = down_B1 + torch.arange(height, device=images_BCHW.device)
    place_BHW = row_BH[:, :, None] * (width + 2 * PAD) + column_BW[:, None]
    padded_BCL = pad(images_BCHW, (PAD,) * 4).flatten(2)
    return padded_BCL.gather(2, place_BHW.flatten(1)[:, None].expand(-1, images_BCHW.shape[1], -1)).view_as(images_BCHW)


def check_augmentation(augmentation: str, image_shape: tuple[int, int, int]) -> None:
    """Raises UserError where images of this shape (C, H, W), such as the rows of a table, cannot be augmented so."""
    height, width = image_shape[1:]
    if augmentation != "none" and min(height, width) <= 2 * PAD:
        raise UserError(
            f"training.augmentation={augmentation} crops pictures that {PAD} pixels are put around, and these are "
            f"{height}x{width}: sides of more than {2 * PAD} pixels are needed. Set training.augmentation=none."
        )
