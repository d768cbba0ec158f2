"""What the store keeps of a run: evidence, curves, images. Read only, and without torch.

Unlike the store itself this removes nothing that is damaged: a report is no place for that.
"""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unlearnleak.errors import UserError
from unlearnleak.runs.recorded import recorded
from unlearnleak.store.artifact import MANIFEST, META, TENSORS, DamageError
from unlearnleak.store.disk import read_files

Run = Any
"""A run as `load_runs` gives it, or a row of the frame (`runs.frame.framed`): both know `get`."""


class Kept(NamedTuple):
    """An artifact's named arrays and its meta."""

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]


class GoneError(Exception):
    """The artifact cannot be read; the message says why, for people."""


class Stores:
    """Finds the artifacts of runs.

    Looks in `root` where it is given; else where the run's own config says, seen from the folder it was started in,
    from the current one, and from the folders above the run (which may have been moved together with its store).
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root
        self.read = lru_cache(maxsize=4)(self._read)  # evidence is large: new memory takes longer than reading again

    def meta(self, run: Run, stage: str) -> dict[str, Any]:
        """What a stage of a run kept beside its arrays. Raises GoneError."""
        meta: dict[str, Any] = self.read(self._folder(run, stage), False).meta
        return meta

    def arrays(self, run: Run, stage: str) -> dict[str, np.ndarray]:
        """A stage's arrays by name. Raises GoneError."""
        arrays: dict[str, np.ndarray] = self.read(self._folder(run, stage), True).arrays
        return arrays

    def _folder(self, run: Run, stage: str) -> Path:
        key = run.get(f"key_{stage}")
        if not isinstance(key, str):
            raise GoneError(f"{run.get('csv', 'result.json')} names no {stage}")
        roots = [self.root] if self.root else candidates(Path(run["directory"]))
        for root in roots:
            if (root / stage / key / MANIFEST).is_file():
                return root / stage / key
        where = roots[0] if roots else f"its store, which {run.get('csv', 'its config')} does not name"
        raise GoneError(f"{stage}/{key} is not in {where}; --store FOLDER says where else to look")

    @staticmethod
    def _read(folder: Path, tensors: bool) -> Kept:
        wanted = (META, TENSORS) if tensors else (META,)
        try:
            files = read_files(folder, wanted)
            manifest = json.loads(files[MANIFEST])
            for name in wanted:
                if hashlib.sha256(files[name]).hexdigest() != manifest[name]["sha256"]:
                    raise GoneError(f"{folder / name} is damaged")
            arrays = decode(files[TENSORS]) if tensors else {}
            return Kept(arrays, json.loads(files[META]))
        except (DamageError, UserError) as error:
            raise GoneError(f"{folder} is damaged: {error}") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise GoneError(f"{folder} cannot be read ({error})") from error


def decode(content: bytes) -> dict[str, np.ndarray]:
    """Arrays by name. Raises ValueError for what is no safetensors file."""
    from safetensors import SafetensorError  # noqa: PLC0415  (a compiled part, only for those who read artifacts)
    from safetensors.numpy import load  # noqa: PLC0415

    try:
        arrays: dict[str, np.ndarray] = load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return arrays


@lru_cache(maxsize=4096)
def candidates(directory: Path) -> tuple[Path, ...]:
    """Folders that may be the store of the run in `directory`, the likeliest first."""
    store = recorded(directory / ".hydra" / "config.yaml", "store")
    if not isinstance(store, str):
        return ()
    started = recorded(directory / ".hydra" / "hydra.yaml", "hydra", "runtime", "cwd")
    above = directory.resolve().parents
    places = [Path(started)] if isinstance(started, str) else []
    return tuple(dict.fromkeys(place / Path(store).expanduser() for place in [*places, Path.cwd(), *above]))
