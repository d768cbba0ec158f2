"""A .pt2 of a stranger, rewritten until nothing of it can run code: tensors, a graph of named operators, plain names.

`torch.export.load` unpickles weights, constants and sample inputs where the archive asks for it, evaluates expressions
of shapes and guards as Python, and resolves any name below `torch` as an operator. So the archive is read here as zip
and JSON, held against what is allowed, and a new one of the parts that were read is handed on: what was checked is
what is loaded. Sample inputs, guards, stack traces and compiled code are left out.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from unlearnleak.data.archive import UNREADABLE, open_zip
from unlearnleak.errors import UserError
from unlearnleak.foreign.exported_schema import CPU, UnsafeError, check_program
from unlearnleak.machine.printable import printable

PROGRAM = "models/model.json"
TABLES = {
    "data/weights/": ("data/weights/model_weights_config.json", "weight_"),
    "data/constants/": ("data/constants/model_constants_config.json", "tensor_"),
}
"""Folder: the file that says what its files are, and what their names begin with."""
PLAIN = ("archive_format", "archive_version", "byteorder", ".data/version", "version")
LARGEST_JSON = 2**27
"""Bytes of a program's graph: that of a vision transformer of 24 layers takes 3 MB."""


def safe_archive(content: bytes, path: Path) -> io.BytesIO:
    """The same program as an archive that torch.export.load may read.

    Raises:
        UserError: it is damaged, or holds something that could run code, which is named.
    """
    written = io.BytesIO()
    try:
        members = _Members(content)
        with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
            for name, data in _checked(members):
                archive.writestr(f"model/{name}", data)
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read: {printable(error)[:160]}.") from error
    except (UnsafeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        why = str(error) if isinstance(error, UnsafeError) else "its parts are not described as torch.export does"
        raise UserError(f"{path} is not loaded: {printable(why)[:300]}.") from error
    written.seek(0)
    return written


class _Members:
    """The files of an archive by their names below its one folder, each read when it is asked for."""

    def __init__(self, content: bytes) -> None:
        self.zip = open_zip(io.BytesIO(content))
        listed = self.zip.infolist()
        self.by_name = {info.filename.partition("/")[2]: info for info in listed}
        if len(self.by_name) < len(listed):
            raise UnsafeError("it holds two files of one name")
        if any(info.compress_type != zipfile.ZIP_STORED or info.file_size > len(content) for info in listed):
            raise UnsafeError("its files are packed, which torch.export.save never does")

    def __getitem__(self, name: str) -> bytes:
        return self.zip.read(self.by_name[name])

    def json(self, name: str) -> Any:
        """What a file of JSON says."""
        if self.by_name[name].file_size > LARGEST_JSON:
            raise UnsafeError(f"{name} is too large")
        return json.loads(self[name])


def _checked(members: _Members) -> Iterator[tuple[str, bytes]]:
    """The files of the new archive."""
    if PROGRAM not in members.by_name:
        raise UnsafeError("it holds no program called model: save it with torch.export.save")
    yield from ((name, members[name]) for name in PLAIN if name in members.by_name)
    program = members.json(PROGRAM)
    check_program(program)
    yield PROGRAM, json.dumps(program).encode()
    for folder, (table, start) in TABLES.items():
        yield from _tensors(members, folder, table, start)
    yield "data/sample_inputs/model.pt", b""


def _tensors(members: _Members, folder: str, table: str, start: str) -> Iterator[tuple[str, bytes]]:
    """The files of tensors in a folder that are described in full, and their description, on the CPU."""
    described = members.json(table)
    places: set[str] = set()
    for name, entry in described["config"].items():
        if entry["use_pickle"]:
            raise UnsafeError(f"{name} is a pickle, which may run any code when it is read")
        if not (entry["path_name"].startswith(start) and entry["path_name"].removeprefix(start).isdecimal()):
            raise UnsafeError(f"{name} is an object and no tensor ({entry['path_name']}), which may run any code")
        meta, place = entry["tensor_meta"], f"{folder}{entry['path_name']}"
        sizes, strides = ([each["as_int"] for each in meta[part]] for part in ("sizes", "strides"))
        nbytes = members.by_name[place].file_size
        if min([*sizes, *strides, meta["storage_offset"]["as_int"]], default=0) < 0 or prod(sizes) > nbytes:
            raise UnsafeError(f"{name} is {sizes}, which its {nbytes} bytes do not hold")
        meta["device"] = CPU
        places.add(place)
    yield table, json.dumps(described).encode()
    yield from ((place, members[place]) for place in sorted(places))
