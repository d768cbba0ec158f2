"""Images and labels as Python hands them over, held against the model before anything is computed."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.machine.printable import first_line, printable

COLOURS = (1, 3)
MOST_NAMED = 10


def labeled(images: Any, labels: Any, num_classes: int | None) -> LabeledImages:
    """Images and labels of Python as the project's own.

    Args:
        images: uint8, or floats in [0, 1], [N, C, H, W], [N, H, W, C] or [N, H, W] (grey); a tensor or an array.
        labels: whole numbers [N].
        num_classes: K; None takes the largest label and one more.

    Raises:
        UserError: they are none of that.
    """
    pixels, known = tensor_of(images, "images"), tensor_of(labels, "labels")
    if known.is_floating_point() or known.ndim != 1 or len(known) != len(pixels):
        raise UserError(
            f"labels are {known.dtype} of shape {tuple(known.shape)}: one whole number for each of the "
            f"{len(pixels)} images is needed."
        )
    known = known.long()
    highest = int(known.max()) if len(known) else 0
    K = highest + 1 if num_classes is None else num_classes
    check_labels(known, K)
    return LabeledImages(as_bytes(channels_first(pixels)), known, K)


def tensor_of(values: Any, name: str) -> Tensor:
    """A tensor on the CPU.

    Raises:
        UserError: it is no array of numbers.
    """
    try:
        found = values if isinstance(values, Tensor) else torch.as_tensor(np.asarray(values))
    except (TypeError, ValueError, RuntimeError) as error:
        why = printable(first_line(error)).rstrip(".")
        raise UserError(f"{name} are no numbers: {why}. Give a tensor or an array of numbers.") from error
    return found.detach().cpu()


def channels_first(pixels: Tensor) -> Tensor:
    """Images as [N, C, H, W]."""
    if pixels.ndim == 3:
        return pixels[:, None]
    if pixels.ndim == 4 and pixels.shape[1] not in COLOURS and pixels.shape[3] in COLOURS:
        return pixels.permute(0, 3, 1, 2).contiguous()
    if pixels.ndim != 4 or pixels.shape[1] not in COLOURS:
        raise UserError(
            f"images are of shape {tuple(pixels.shape)}: [N, C, H, W], [N, H, W, C] or [N, H, W] is needed, with 1 or "
            "3 channels."
        )
    return pixels


def as_bytes(pixels: Tensor) -> Tensor:
    """Pixels as uint8; floats are taken from [0, 1].

    Raises:
        UserError: values outside [0, 1], or of another type.
    """
    if pixels.dtype == torch.uint8:
        return pixels
    if not pixels.is_floating_point():
        raise UserError(f"images are {pixels.dtype}: uint8 from 0 to 255, or floats from 0 to 1, are needed.")
    if pixels.numel() and not bool(pixels.isfinite().all()):
        raise UserError("images hold infinities or no numbers.")
    low, high = (float(pixels.min()), float(pixels.max())) if pixels.numel() else (0.0, 0.0)
    if low < 0 or high > 1:
        raise UserError(
            f"images reach from {low:.3g} to {high:.3g}: floats from 0 to 1 are needed, before any normalisation; "
            "divide by 255, or undo it."
        )
    return (pixels.float() * 255).round().to(torch.uint8)


def check_labels(labels_N: Tensor, num_classes: int) -> None:
    """Raises UserError where a label is none of the model's classes."""
    wrong = labels_N[(labels_N < 0) | (labels_N >= num_classes)].unique().tolist()
    if wrong:
        shown = ", ".join(map(str, wrong[:MOST_NAMED])) + (" and more" if len(wrong) > MOST_NAMED else "")
        raise UserError(
            f"Labels {shown} are not among the model's {num_classes} classes, 0 to {num_classes - 1}. Give the images "
            "the numbers that the model was trained with."
        )


def check_fit(images: LabeledImages, image_shape: tuple[int, int, int]) -> None:
    """Raises UserError where the images are not of the size that the model takes."""
    if images.image_shape != image_shape:
        given, wanted = ("x".join(map(str, shape)) for shape in (images.image_shape, image_shape))
        raise UserError(f"The images are {given} (channels x height x width), the model takes {wanted}. Resize them.")


def check_truth(truth: Any, num_classes: int) -> tuple[int, ...] | None:
    """The classes that were forgotten, where that is said; () for a model that forgot nothing.

    Raises:
        UserError: they are no classes of the model.
    """
    if truth is None:
        return None
    classes: tuple[Any, ...] = tuple(truth) if isinstance(truth, Iterable) else (truth,)
    whole = all(isinstance(c, Integral) for c in classes) and not any(isinstance(c, bool) for c in classes)
    if not whole or not all(0 <= int(c) < num_classes for c in classes) or len(set(classes)) != len(classes):
        raise UserError(
            f"truth={truth} is not possible: different classes from 0 to {num_classes - 1}, or () where nothing was "
            "forgotten."
        )
    return tuple(sorted(map(int, classes)))
