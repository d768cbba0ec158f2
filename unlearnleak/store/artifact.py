"""An artifact's values and the bytes of its four files: the same functions serve a miss and a hit.

What a miss returns is decoded from the very bytes it wrote, so that nobody downstream can tell it from a hit.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from unlearnleak.store.key import canonical, fingerprint, plain

if TYPE_CHECKING:
    import torch

PAYLOAD, META, TENSORS = "payload.json", "meta.json", "tensors.safetensors"
MANIFEST = "manifest.json"  # size and SHA-256 of the three others


class Contents(NamedTuple):
    """What a stage computed."""

    tensors: "dict[str, torch.Tensor]"  # any device, any strides, shared memory allowed
    meta: dict[str, Any]  # JSON values: curves, counts, seconds


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Artifact:
    """One published artifact, read back from its bytes.

    The tensors are on the CPU, contiguous, share no memory, and come in the order of their names.
    """

    stage: str
    key: str
    path: Path
    payload: dict[str, Any]
    tensors: "dict[str, torch.Tensor]"
    meta: dict[str, Any]
    hit: bool  # it came from the store


class DamageError(Exception):
    """The files of an artifact are not what was published; the message is the reason."""


def encode(payload: Mapping[str, Any], contents: Contents) -> dict[str, bytes]:
    """The four files of an artifact by name.

    Raises:
        TypeError: the payload or the meta is not JSON, or a tensor is none; the message says which.
        ValueError: a tensor's name or layout that safetensors cannot hold.
    """
    meta = plain(contents.meta, "meta", number_names=True)
    files = {
        PAYLOAD: canonical(payload),
        META: json.dumps(meta, indent=1, allow_nan=False).encode("ascii"),
        TENSORS: _tensor_bytes(contents.tensors),
    }
    return {**files, MANIFEST: json.dumps(_digests(files), indent=1).encode("ascii")}


def decode(stage: str, path: Path, files: Mapping[str, bytes], *, hit: bool) -> Artifact:
    """The artifact in these files, each checked against the manifest and the payload against the key.

    Raises:
        DamageError: something does not agree.
    """
    from safetensors import SafetensorError  # noqa: PLC0415  # loads with torch: only for those who read artifacts
    from safetensors.torch import load  # noqa: PLC0415

    _check(_listed(files[MANIFEST]), files)
    if fingerprint(files[PAYLOAD]) != path.name:
        raise DamageError(f"{PAYLOAD} does not belong to this key")
    payload, meta = _mapping(files[PAYLOAD], PAYLOAD), _mapping(files[META], META)
    try:
        tensors = dict(sorted(load(files[TENSORS]).items()))  # load() has another order each time
    except (ValueError, KeyError, SafetensorError) as error:
        raise DamageError(f"unreadable contents of {TENSORS}: {error}") from error
    return Artifact(stage, path.name, path, payload, tensors, meta, hit)


def sizes(manifest: bytes) -> dict[str, int]:
    """How many bytes each of the other files has, by name.

    Raises:
        DamageError: the manifest does not say so.
    """
    return {name: digest["size"] for name, digest in _listed(manifest).items()}


def _listed(manifest: bytes) -> dict[str, Any]:
    """The size and SHA-256 of each of the other files, as they were written; DamageError where they are not there."""
    listed = _mapping(manifest, MANIFEST)
    if listed.keys() != {PAYLOAD, META, TENSORS} or not all(
        isinstance(digest, dict) and isinstance(digest.get("size"), int) for digest in listed.values()
    ):
        raise DamageError(f"{MANIFEST} does not list the files")
    return listed


def _mapping(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:  # text may be nested more deeply than any reader can follow
        raise DamageError(f"unreadable contents of {name}: {error}") from error
    if not isinstance(value, dict):
        raise DamageError(f"{name} is no mapping")
    return value


def _tensor_bytes(tensors: "dict[str, torch.Tensor]") -> bytes:
    import torch  # noqa: PLC0415  # heavy: cheap commands import this module too
    from safetensors.torch import save  # noqa: PLC0415

    if "__metadata__" in tensors:
        raise ValueError("A tensor cannot be named '__metadata__': safetensors keeps that name for itself.")
    own: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise TypeError(f"tensors[{name!r}] is a {type(tensor).__name__}: names are strings, values tensors.")
        # A copy where one is needed: safetensors refuses tensors that share memory, such as tied weights.
        storage = tensor.untyped_storage()
        alone = storage.data_ptr() not in seen and storage.nbytes() == tensor.numel() * tensor.element_size()
        seen.add(storage.data_ptr())
        own[name] = tensor.detach().to("cpu", copy=not alone, memory_format=torch.contiguous_format)
    return bytes(save(own))


def _digests(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    return {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()
    }


def _check(listed: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Raises DamageError unless the manifest describes the other files exactly."""
    for name, digest in _digests({name: files[name] for name in listed}).items():
        if listed[name] != digest:
            raise DamageError(f"{name} is not what was written: it is {digest}, it was {listed[name]}")
