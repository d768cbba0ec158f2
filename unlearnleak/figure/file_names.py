"""Names from outside as parts of files' names: no path, no two alike, none too long for a disk."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable

LONGEST = 100
"""Bytes of one name: with what stands before and after it, and while it is written, 255 are enough."""


def file_names(names: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A file's name for each of several names, whose words it joins by underscores.

    Where two would have the same, or differ in large and small letters only, each gets a digest of its own.
    """
    different = list(dict.fromkeys(names))
    found = {words: safe("_".join(words)) for words in different}
    alike = Counter(name.casefold() for name in found.values())
    return {words: f"{name}_{digest(words)}" if alike[name.casefold()] > 1 else name for words, name in found.items()}


def safe(word: str) -> str:
    """The word with an underscore for all but letters, digits, underscores and dots, cut where it is too long."""
    kept = "".join(c if c.isalnum() or c in "_." else "_" for c in unicodedata.normalize("NFC", word))
    return kept.encode()[:LONGEST].decode(errors="ignore")


def digest(words: tuple[str, ...]) -> str:
    """8 hexadecimal digits that tell names apart."""
    return hashlib.sha256(repr(words).encode()).hexdigest()[:8]
