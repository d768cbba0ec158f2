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
from unlearnleak.foreign.exported_schema import UnsafeError, check_program
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
CPU = {"type": "cpu", "index": None}


def safe_archive(content: bytes, path: Path) -> io.BytesIO:
    """The same program as an archive that torch.export.load may read.

    Raises:
        UserError: it is damaged, or holds something that could run code, which is named.
    """
    try:
        members = dict(_members(content))
        kept = {name: members[name] for name in PLAIN if name in members}
        if PROGRAM not in members:
            raise UnsafeError("it holds no program called model: save it with torch.export.save")
        program = _json(members, PROGRAM)
        check_program(program)
        kept[PROGRAM] = json.dumps(program).encode()
        for folder, (table, start) in TABLES.items():
            kept |= _tensors(members, folder, table, start)
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read: {printable(error)[:160]}.") from error
    except (UnsafeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        why = str(error) if isinstance(error, UnsafeError) else "its parts are not described as torch.export does"
        raise UserError(f"{path} is not loaded: {printable(why)[:300]}.") from error
    kept["data/sample_inputs/model.pt"] = b""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, data in kept.items():
            archive.writestr(f"model/{name}", data)
    written.seek(0)
    return written


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in the archive by their names below its one folder, as far as they are used."""
    file = io.BytesIO(content)
    archive = open_zip(file)
    listed = archive.infolist()
    names = [info.filename for info in listed]
    if len(set(names)) < len(names):
        raise UnsafeError("it holds two files of one name")
    if any(info.compress_type != zipfile.ZIP_STORED or info.file_size > len(content) for info in listed):
        raise UnsafeError("its files are packed, which torch.export.save never does")
    for info in listed:
        name = info.filename.partition("/")[2]
        used = name in (PROGRAM, *PLAIN) or any(name.startswith(folder) for folder in TABLES)
        if used:
            yield name, archive.read(info)


def _json(members: dict[str, bytes], name: str) -> Any:
    if len(members[name]) > LARGEST_JSON:
        raise UnsafeError(f"{name} is too large")
    return json.loads(members[name])


def _tensors(members: dict[str, bytes], folder: str, table: str, start: str) -> dict[str, bytes]:
    """The files of tensors in a folder that are described in full, and their description, on the CPU."""
    described = _json(members, table)
    kept: dict[str, bytes] = {}
    for name, entry in described["config"].items():
        place = f"{folder}{entry['path_name']}"
        if entry["use_pickle"]:
            raise UnsafeError(f"{name} is a pickle, which may run any code when it is read")
        if not (entry["path_name"].startswith(start) and entry["path_name"].removeprefix(start).isdecimal()):
            raise UnsafeError(f"{name} is an object and no tensor ({entry['path_name']}), which may run any code")
        meta = entry["tensor_meta"]
        sizes, strides = ([each["as_int"] for each in meta[part]] for part in ("sizes", "strides"))
        data = members[place]
        if min([*sizes, *strides, meta["storage_offset"]["as_int"]], default=0) < 0 or prod(sizes) > len(data):
            raise UnsafeError(f"{name} is {sizes}, which its {len(data)} bytes do not hold")
        meta["device"] = CPU
        kept[place] = data
    return kept | {table: json.dumps(described).encode()}
