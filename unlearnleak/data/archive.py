"""An .npz archive as its headers describe it, before any of its arrays is read.

What the headers claim is held against the archive's own directory and against the free memory, so that a small file
cannot ask for more than it holds.
"""

import io
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from unlearnleak.errors import UserError

LAYOUT = (
    "one .npz file (numpy.savez) with four arrays: train_images and test_images, uint8, [N,H,W] or [N,H,W,1] "
    "(grey) or [N,H,W,3] (colour); train_labels and test_labels, whole numbers 0..K-1, one per image"
)
NAMES = ("train_images", "train_labels", "test_images", "test_labels")
# What zipfile raises over files that are not archives, are cut off, damaged or encrypted.
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, OverflowError, zipfile.BadZipFile, zlib.error)
READERS = {(1, 0): (np.lib.format.read_array_header_1_0, 2), (2, 0): (np.lib.format.read_array_header_2_0, 4)}
"""By the format's version: the parser, and how many bytes say how long the header is."""
LONGEST_HEADER = 10_000  # bytes; NumPy's own limit, which it looks at after it has read them all
GREATEST_RATIO = 1032  # what a byte can stand for after deflation (RFC 1951: 258 bytes in two bits)
OVERHEAD = 1024
WRITTEN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How NumPy packs arrays. Of other ways, a byte can stand for millions."""
LARGEST_DIRECTORY = 2**20
"""Bytes of an archive's list of members, each of which takes a dozen in memory; that of four arrays has some 300."""
UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
MOST_NAMED, LONGEST_NAME, LONGEST_REASON = 8, 40, 160


@dataclass(frozen=True)
class Header:
    """What the header of an array says: `dtype`, `shape`, and the bytes that its values take."""

    dtype: np.dtype
    shape: tuple[int, ...]
    nbytes: int

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


class Archive:
    """The arrays of an .npz archive, each read when asked for; `where` names it in refusals.

    Args:
        file: the archive.
        where: what it is called.
        names: the arrays that it must have; None for whatever it has, as `members` tells.
        allowed: what such an archive is, in a sentence.

    Raises:
        UserError: it is no such archive, lacks an array, or its headers claim what cannot be.
    """

    def __init__(
        self, file: BinaryIO, where: str, names: Collection[str] | None = NAMES, allowed: str | None = None
    ) -> None:
        self.where, self.allowed = where, allowed or ALLOWED
        start = file.read(6)
        if start == b"\x93NUMPY":
            raise self.unreadable("it holds a single array, as numpy.save writes it")
        if not start.startswith(b"PK"):
            raise self.unreadable("it is no .npz archive")
        self.size = file.seek(0, 2)
        try:
            self.zip = open_zip(file)
            self.members = {info.filename.removesuffix(".npy"): info for info in self.zip.infolist()}
        except UNREADABLE as error:
            raise self.unreadable(str(error)) from error
        if missing := [name for name in names or () if name not in self.members]:
            raise UserError(
                f"{where} has no array {', '.join(missing)}; it holds {named(self.members)}. {self.allowed}"
            )
        self.headers = {name: self.header(name) for name in names or ()}

    def header(self, name: str) -> Header:
        """What the header of the array `name` says, after it has been held against the archive's directory."""
        info = self.members[name]
        if info.compress_type not in WRITTEN:
            raise self.unreadable(f"array {name} is packed in another way than numpy.savez and savez_compressed do")
        try:
            with self.zip.open(info) as member:
                dtype, shape = parse(member)
                after = member.tell()
        except UNREADABLE as error:
            raise self.unreadable(f"array {name}: {error}") from error
        nbytes = dtype.itemsize
        for length in shape:
            nbytes *= length
        if dtype.hasobject:
            return Header(dtype, shape, 0)  # a pickle, which has no size of its own: nobody reads it
        if min(shape, default=0) < 0 or after + nbytes != info.file_size:
            raise self.unreadable(
                f"the header of {name} claims {dtype} values of shape {str(shape)[:60]}, {amount(nbytes)}, "
                f"and there are {amount(max(0, info.file_size - after))}"
            )
        most = info.compress_size
        if info.compress_type == zipfile.ZIP_DEFLATED:
            most = most * GREATEST_RATIO + OVERHEAD
        if info.compress_size > self.size or info.file_size > most:
            raise self.unreadable(f"{name} claims {amount(info.file_size)}, which so small a file cannot hold")
        return Header(dtype, shape, nbytes)

    def read(self, name: str) -> np.ndarray:
        """The array `name`, whose checksum is right. Raises `UserError` if it is damaged. Nothing is unpickled."""
        try:
            with self.zip.open(self.members[name]) as member:
                array: np.ndarray = np.lib.format.read_array(member, allow_pickle=False)
                if member.read(1):  # at the end the checksum is looked at
                    raise ValueError("it goes on after its end")
        except UNREADABLE as error:
            raise self.unreadable(f"array {name}: {error}") from error
        except MemoryError as error:
            needed = amount(self.headers[name].nbytes)
            raise UserError(f"{self.where}: the array {name} takes {needed}, for which there is no memory.") from error
        return array

    def unreadable(self, reason: str) -> UserError:
        """The refusal of an archive that cannot be read, or that is not what it claims."""
        return UserError(f"{self.where} cannot be read: {reason[:LONGEST_REASON]}. {self.allowed}")


class Directory(io.RawIOBase):
    """A file whose list of members is being read: zipfile takes it in one piece, which must not be a large one."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.seek, self.tell = file.seek, file.tell  # type: ignore[method-assign]

    def seekable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes. Raises BadZipFile where that is more than a list of four arrays can have."""
        if size > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile("it lists far more than four arrays")
        return self.file.read(size)


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """The archive in an open file. Raises what is `UNREADABLE`."""
    opened = zipfile.ZipFile(Directory(file))
    opened.fp = file
    return opened


def unfolds(path: Path) -> str:
    """Why a zip archive would not be what torch.save writes, which packs nothing, in words; "" where it may be that.

    Raises:
        zipfile.BadZipFile: it is no such archive.
    """
    with path.open("rb") as opened:
        listed = open_zip(opened).infolist()
        size = opened.seek(0, 2)
    packed = any(info.compress_type != zipfile.ZIP_STORED for info in listed)
    promised = sum(info.file_size for info in listed)
    return f"it promises {promised} bytes and holds {size}" if packed or promised > size else ""


ALLOWED = f"Allowed: {LAYOUT}."


def parse(member: IO[bytes]) -> tuple[np.dtype, tuple[int, ...]]:
    """The dtype and shape that the header of an array states; the file is left at the array's first value.

    Raises ValueError where NumPy cannot parse it, or would only if it trusted the file, and what reading raises.
    """
    try:
        version = np.lib.format.read_magic(io.BytesIO(member.read(np.lib.format.MAGIC_LEN)))
        reader, width = READERS[version]
        length = member.read(width)
        if int.from_bytes(length, "little") > LONGEST_HEADER:
            raise ValueError("it is too long")
        shape, _, dtype = reader(io.BytesIO(length + member.read(int.from_bytes(length, "little"))))
    except (zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # any, over foreign text; NumPy's own words advise to trust the file
        raise ValueError("it has no header as numpy.savez writes it") from error
    return dtype, shape


def named(names: object) -> str:
    """Names from a file for people: the first few, short, and with nothing in them that a terminal would obey."""
    known = [str(name) for name in names]  # type: ignore[attr-defined]
    shown = [name[:LONGEST_NAME] if name.isprintable() else ascii(name[:LONGEST_NAME]) for name in known[:MOST_NAMED]]
    more = [f"and {len(known) - MOST_NAMED} more"] if len(known) > MOST_NAMED else []
    return ", ".join([*shown, *more]) or "nothing"


def amount(nbytes: int) -> str:
    """Bytes for people: "17 bytes", "3.2 GiB"."""
    if nbytes < 1024:
        return f"{nbytes} bytes"
    power = min((nbytes.bit_length() - 1) // 10, len(UNITS))
    return f"{nbytes / 1024**power:.1f} {UNITS[power - 1]}" if nbytes < 2**80 else "more than 2^80 bytes"
