"""One picture of a stranger, decoded by Pillow within bounds."""

import warnings
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable

MOST_PIXELS = 2**25
"""Of one picture, 32 million: ten times what the largest model takes. Small files can claim billions."""
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
CHANNELS = {"L": 1, "RGB": 3}
RESAMPLING = Image.Resampling.BILINEAR
"""Of pictures that are resized; Pillow smooths where it makes them smaller."""


def decode(content: bytes, where: str, shape: tuple[int, int, int] | None) -> np.ndarray:
    """The picture as uint8 [H, W] (grey) or [H, W, 3], resized to H x W of `shape` where that is told.

    Pictures with a palette, black and white, or with a full opacity are taken for what they show; grey is not made
    colour nor colour grey.

    Raises:
        UserError: it is no picture, is damaged, larger than any model takes, or transparent.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own limit, which ours is below
            with Image.open(BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise _too_large(where)
                plain = _plain(picture, where)
                size = None if shape is None else (shape[2], shape[1])
                if size is not None and plain.size != size:
                    plain = plain.resize(size, RESAMPLING)
                return np.asarray(plain, dtype=np.uint8)
    except Image.DecompressionBombError as error:  # Pillow's own, four times as high
        raise _too_large(where) from error
    except UserError:
        raise
    except Exception as error:  # whatever Pillow's decoders make of a file that was made up
        raise UserError(f"{where} is no picture that can be read: {printable(error)[:120]}.") from error


def centre(picture: Image.Image, side: int) -> Image.Image:
    """The largest square in the picture's middle, resized to `side` x `side` pixels; nothing is stretched."""
    if picture.size == (side, side):
        return picture
    return ImageOps.fit(picture, (side, side), RESAMPLING)


def _too_large(where: str) -> UserError:
    return UserError(f"{where} claims more than {MOST_PIXELS} pixels, which no model takes.")


def _plain(picture: Image.Image, where: str) -> Image.Image:
    if picture.mode in CHANNELS:
        picture.load()
        return picture
    if picture.mode in ("1", "P") or (picture.mode in ("LA", "RGBA") and _opaque(picture)):
        return picture.convert("L" if picture.mode in ("1", "LA") else "RGB")
    raise UserError(f"{where} is a picture of mode {picture.mode}; 8-bit grey or RGB without transparency is needed.")


def _opaque(picture: Image.Image) -> bool:
    least = picture.getchannel("A").getextrema()[0]
    return bool(least == 255)
