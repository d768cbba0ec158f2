"""Keys: an artifact's name is a fingerprint of everything that determines it."""

import hashlib
import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any

KEY_DIGITS = 24  # 96 bits: two of a thousand million artifacts share a key with probability 1e-11


def key_of(payload: Mapping[str, Any]) -> str:
    """The first 24 hexadecimal digits of the SHA-256 of the payload's canonical JSON.

    The order of names does not matter and a tuple counts as a list. `1`, `1.0` and `True` are three different
    values, as in JSON: better to compute once too often than to return what belongs to another setting.

    Raises:
        TypeError: a value or a name that is not JSON (NaN and infinities are not); the message says where.
    """
    return fingerprint(canonical(payload))


def canonical(payload: Mapping[str, Any]) -> bytes:
    """The payload as JSON in its one spelling: names sorted, no spaces, ASCII only."""
    value = plain(payload, "payload")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def fingerprint(canonical_payload: bytes) -> str:
    """The key that belongs to these bytes, the contents of `payload.json`: `sha256sum` shows it too."""
    return hashlib.sha256(canonical_payload).hexdigest()[:KEY_DIGITS]


def plain(value: Any, where: str, *, number_names: bool = False) -> Any:
    """`value` built anew from dicts and lists, or a TypeError that names the first part JSON cannot hold.

    `number_names` lets whole numbers be names in mappings (values per class); they become strings.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise TypeError(f"{where} is {value}, and JSON has no such number: store None or a string instead.")
    if isinstance(value, Mapping):
        items: dict[str, Any] = {}
        for name, item in value.items():
            text = _name(name, where, number_names)
            if text in items:
                raise TypeError(f"{where} has two names that both read {text!r} in JSON.")
            items[text] = plain(item, f"{where}.{text}", number_names=number_names)
        return items
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{i}]", number_names=number_names) for i, item in enumerate(value)]
    raise TypeError(
        f"{where} is {reprlib.repr(value)}, a {type(value).__name__}: JSON knows None, bool, int, finite "
        "float, str, lists (tuples) and mappings."
    )


def _name(name: Any, where: str, number_names: bool) -> str:
    if isinstance(name, str):
        return name
    if number_names and isinstance(name, int) and not isinstance(name, bool):
        return str(name)
    raise TypeError(f"{where} has the name {name!r}, a {type(name).__name__}: names must be strings.")
