"""A TorchScript module: it answers, and its answers have gradients with respect to the image. Its layers stay closed.

TorchScript is a program of its own, so what it may call is looked at before it is loaded: nothing that touches files.
"""

import re
import warnings
from io import BytesIO
from pathlib import Path

import torch
from torch import nn

from unlearnleak.data.archive import UNREADABLE, open_zip, unfolds
from unlearnleak.data.content import read_whole
from unlearnleak.errors import UserError
from unlearnleak.foreign.reading import asked
from unlearnleak.machine.printable import first_line, printable

TOUCHING = re.compile(rb"\b(from_file|save|load|read_file|write_file)\(")
"""Calls that reach outside of tensors, as they stand in a module's code."""


def read_scripted(path: Path) -> nn.Module:
    """The module in the file at `path`, on the CPU and in evaluation mode.

    Raises:
        UserError: it cannot be loaded, or calls what touches files.
    """
    content = asked(path, lambda: read_whole(path))
    try:
        _check(path, content)
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read: {printable(first_line(error))[:160]}.") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TorchScript is deprecated
            return loaded(BytesIO(content))
    except Exception as error:  # whatever torch makes of a program that was made up
        why = f"{type(error).__name__}: {printable(first_line(error))[:100]}"
        raise UserError(f"{path} cannot be loaded as TorchScript: {why}.") from error


def loaded(file: BytesIO) -> nn.Module:
    """The module in a file whose code is trusted. Its parameters ask for no gradients, or no copy could be made."""
    module: nn.Module = torch.jit.load(file, map_location="cpu")
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module.eval()


def copied(module: torch.jit.ScriptModule) -> nn.Module:
    """A copy of a module that is in memory."""
    written = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is deprecated
        torch.jit.save(module, written)
        written.seek(0)
        return loaded(written)


def _check(path: Path, content: bytes) -> None:
    archive = open_zip(BytesIO(content))
    listed = archive.infolist()
    code = [info for info in listed if "/code/" in info.filename and info.filename.endswith(".py")]
    if len({info.filename for info in listed}) < len(listed):
        raise UserError(f"{path} is not loaded: it holds two files of one name.")
    if sum(info.file_size for info in listed) > 1032 * len(content) or any(i.file_size > 2**24 for i in code):
        raise UserError(f"{path} is not loaded: {unfolds(path)}.")
    for info in code:
        if found := TOUCHING.search(archive.read(info)):
            raise UserError(f"{path} is not loaded: its code calls {found[1].decode()!r}, which touches files.")
