"""A run's contact sheet: forgotten images beside what was recovered of them, as a picture in the run's folder.

The store holds what an attacker made and never what it was after, so a report finds the forgotten images here.
"""

import io
import stat
from pathlib import Path

import numpy as np

from unlearnleak.runs.stored import GoneError
from unlearnleak.store.whole_file import write_file

SHEET = "recovered.png"
COLUMNS = ("forgotten", "recovered", "nearest retained")
"""What stands side by side in a row; a row is one forgotten image."""
MOST_BYTES, MOST_PIXELS = 16 * 2**20, 2**24
"""Of a sheet that is read: a picture in a run's folder may be anybody's."""
GREY, COLOUR = 1, 3
"""Channels of what a picture can show."""


def write_sheet(directory: Path, rows_PCHW: np.ndarray) -> None:
    """Write rows of uint8 [P, C, H, 3 W], one below the other; nothing where they are no pictures or none.

    Raises:
        UserError: it cannot be written.
    """
    if not len(rows_PCHW) or rows_PCHW.shape[1] not in (GREY, COLOUR):
        return
    from PIL import Image  # noqa: PLC0415  (only who recovers images needs it)

    sheet_HWC = np.concatenate(list(rows_PCHW.transpose(0, 2, 3, 1)), axis=0)
    out = io.BytesIO()
    Image.fromarray(sheet_HWC[..., 0] if sheet_HWC.shape[-1] == GREY else sheet_HWC).save(out, "PNG", optimize=True)
    write_file(directory / SHEET, out.getvalue(), "hydra.run.dir")


def read_sheet(directory: Path) -> np.ndarray | None:
    """The picture as uint8 [H, W] or [H, W, 3]; None where a run has none.

    Raises:
        GoneError: what lies there is no such picture.
    """
    from PIL import Image  # noqa: PLC0415  (comes with matplotlib)

    path = directory / SHEET
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):  # a pipe would keep us waiting, a device has no end
            raise GoneError(f"{path} cannot be read (it is no file)")
        if seen.st_size > MOST_BYTES:
            raise GoneError(f"{path} is too large for a contact sheet")
        with Image.open(io.BytesIO(path.read_bytes()), formats=["PNG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS or picture.width % len(COLUMNS):
                raise GoneError(f"{path} is no contact sheet")
            return np.asarray(picture.convert("L" if picture.mode in ("L", "1", "I;16") else "RGB"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GoneError(f"{path} cannot be read ({error})") from error
