"""What a file is, told by its content; its name and suffix say nothing."""

import pickletools
from enum import Enum
from pathlib import Path

from unlearnleak.data.archive import UNREADABLE, named, open_zip
from unlearnleak.data.content import check_regular
from unlearnleak.errors import UserError
from unlearnleak.foreign.reading import asked, with_article


class Kind(Enum):
    """The kinds of files that are read; the values are words for people."""

    SAFETENSORS = "weights (safetensors)"
    STATE_DICT = "weights (torch.save)"
    LIGHTNING = "checkpoint of PyTorch Lightning"
    EXPORTED = "exported program (torch.export)"
    SCRIPTED = "TorchScript"
    ANSWERS_NPZ = "table of answers (.npz)"
    ANSWERS_CSV = "table of answers (CSV)"
    IMAGES_NPZ = "labelled images (.npz)"
    IMAGE_FOLDER = "folder of class folders"
    PARQUET = "data set of images (parquet or Arrow)"

    @property
    def one(self) -> str:
        """With its article, such as "an exported program (torch.export)"."""
        return self.value if self in MASS else with_article(self.value)


MODELS = (Kind.SAFETENSORS, Kind.STATE_DICT, Kind.LIGHTNING, Kind.EXPORTED, Kind.SCRIPTED)
MASS = (Kind.SAFETENSORS, Kind.STATE_DICT, Kind.SCRIPTED, Kind.IMAGES_NPZ)
"""What takes no article."""
WEIGHTS = (Kind.SAFETENSORS, Kind.STATE_DICT, Kind.LIGHTNING)
"""Tensors alone: which architecture they belong to must be said."""
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""The first object in what torch.save wrote before it wrote archives."""
LIGHTNING_KEY = b"pytorch-lightning_version"
LOOKED_AT = 2**16
KNOWN = {
    b"\x89HDF": "HDF5 (Keras)",
    b"GGUF": "GGUF",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"\x93NUMPY": "a single array (numpy.save); save several with numpy.savez",
    b"\x1f\x8b": "packed with gzip; unpack it first",
    b"%PDF": "a PDF",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself; fetch it with git lfs pull",
}
"""First bytes of files that people take for others."""
ALLOWED = (
    "Models: .pt2 (torch.export.save), safetensors, torch.save(model.state_dict()), a checkpoint of Lightning, "
    "TorchScript. Answers: .npz or CSV. Images: .npz, a folder of class folders, parquet."
)


def kind_of(path: Path | str) -> Kind:
    """The kind of the file or folder at `path`.

    Raises:
        UserError: it cannot be read, or is none of them; what was found instead is named.
    """
    place = Path(path).expanduser()
    return asked(place, lambda: _kind_of_folder(place) if place.is_dir() else _kind_of_file(place))


def _kind_of_file(path: Path) -> Kind:
    check_regular(path)
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    if start.startswith(b"PK"):
        return _kind_of_archive(path)
    if start.startswith(b"PAR1"):
        return Kind.PARQUET
    if _is_safetensors(start, path.stat().st_size):
        return Kind.SAFETENSORS
    if start.startswith(b"\x80"):
        return _kind_of_pickle(path, start)
    columns = _columns(start)
    if "label" in columns or "labels" in columns:
        return Kind.ANSWERS_CSV
    found = next((words for magic, words in KNOWN.items() if start.startswith(magic)), None)
    if found is None and len(columns) > 1:
        found = f"a table without a column label; its columns are {named(columns)}"
    raise UserError(f"{path} is {found or ('empty' if not start else 'no file of a known kind')}. {ALLOWED}")


def _kind_of_archive(path: Path) -> Kind:
    try:
        with path.open("rb") as file:
            archive = open_zip(file)
            names = archive.namelist()
            if kind := _torch_kind(path, names):
                return kind
            if pickled := [name for name in names if name.endswith("/data.pkl")]:
                with archive.open(pickled[0]) as member:
                    return Kind.LIGHTNING if LIGHTNING_KEY in member.read(2**20) else Kind.STATE_DICT
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read: {str(error)[:160]}. It begins like a zip archive.") from error
    arrays = {name.removesuffix(".npy") for name in names if name.endswith(".npy")}
    if {"probabilities", "logits"} & arrays:
        return Kind.ANSWERS_NPZ
    if {"images", "train_images", "test_images"} & arrays:
        return Kind.IMAGES_NPZ
    raise UserError(f"{path} is an archive that holds {named(names)}, which no kind of file does. {ALLOWED}")


def _torch_kind(path: Path, names: list[str]) -> Kind | None:
    if any("/data/aotinductor/" in name for name in names) and not any("/models/" in name for name in names):
        raise UserError(
            f"{path} is compiled for one kind of machine (AOTInductor): machine code, which is not run here. Save the "
            "program itself: torch.export.save."
        )
    if "serialized_exported_program.json" in names:
        raise UserError(f"{path} was written by a PyTorch before 2.8. Save it again with a newer one.")
    if any(name.endswith("/archive_format") for name in names):
        return Kind.EXPORTED
    return Kind.SCRIPTED if any("/code/" in name for name in names) else None


def _is_safetensors(start: bytes, size: int) -> bool:
    return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= size - 8


def _kind_of_pickle(path: Path, start: bytes) -> Kind:
    try:  # read as a list of instructions; nothing is carried out
        found = next((value for code, value, _ in pickletools.genops(start[:64]) if code.name == "LONG1"), None)
    except ValueError:
        found = None
    if found == LEGACY_MAGIC:
        return Kind.STATE_DICT
    raise UserError(
        f"{path} is a pickle, which may run any code when it is read, so nothing of it is. Save "
        "model.state_dict() with torch.save or safetensors, or the model with torch.export.save."
    )


def _columns(start: bytes) -> list[str]:
    """The names in the first line of a table with commas; [] where it is no text."""
    try:
        line = start.decode("utf-8-sig", errors="strict" if len(start) < LOOKED_AT else "ignore").partition("\n")[0]
    except UnicodeDecodeError:
        return []
    return [word.strip(' "\r').lower() for word in line.split(",")] if line.strip().isprintable() else []


def _kind_of_folder(path: Path) -> Kind:
    if next(path.rglob("*.parquet"), next(path.rglob("*.arrow"), None)) is not None:
        return Kind.PARQUET
    if (path / "config.json").exists() or any(path.glob("*.safetensors")):
        raise UserError(f"{path} is a folder of a model. Name the file of weights in it, such as model.safetensors.")
    if any(entry.is_dir() and not entry.name.startswith(".") for entry in path.iterdir()):
        return Kind.IMAGE_FOLDER
    raise UserError(f"{path} is a folder without folders of classes in it and without parquet files. {ALLOWED}")
