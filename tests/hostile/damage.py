"""What becomes of a sound file in strange hands, and what reading it may cost."""

import os
import tracemalloc
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from unlearnleak.errors import UserError

EXAMPLES = os.environ.get("UNLEARNLEAK_FUZZ")
"""How many files each test tries: UNLEARNLEAK_FUZZ=10000 looks for an hour for what a few seconds do not find."""
BOUNDED = settings(
    max_examples=int(EXAMPLES or 60),
    deadline=None,
    derandomize=EXAMPLES is None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""A few seconds for a reader, and the same files every time unless EXAMPLES says otherwise."""
OVERHEAD = 6 * 2**20
"""Bytes that a reader may take whatever the file: modules that it imports, buffers, the words of a refusal."""
NUMBERS = (0, 1, 2**7, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
"""Where counting in bits goes wrong."""


@st.composite
def damaged(draw: st.DrawFn, sound: bytes) -> bytes:
    """A sound file after one to four of: cut off, bytes flipped, taken out, doubled, or replaced by a great number."""
    content = bytearray(sound)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        width = draw(st.sampled_from((1, 2, 4, 8, 64)))
        how = draw(st.sampled_from(("cut", "flip", "take", "double", "number", "text")))
        if how == "cut":
            del content[at:]
        elif how == "flip":
            content[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif how == "take":
            del content[at : at + width]
        elif how == "double":
            content[at:at] = content[at : at + width]
        elif how == "number":
            number = draw(st.sampled_from(NUMBERS))
            content[at : at + min(width, 8)] = number.to_bytes(8, "little")[: min(width, 8)]
        else:
            content[at : at + 1] = draw(st.sampled_from((b"9" * 20, b"-1", b"\0", b"[" * 2000, b"\xff", b'"', b"../")))
    return bytes(content)


def words_or_result(read: Callable[[], Any], *refusals: type[Exception]) -> tuple[Any, int]:
    """What a reader gives, None where it refuses in words, and the most bytes that it held; all else is raised."""
    own = not tracemalloc.is_tracing()
    if own:
        tracemalloc.start()
    tracemalloc.clear_traces()
    try:
        found = read()
    except (UserError, *refusals) as error:
        found, told = None, str(error)
        assert told
        assert len(told) < 2000, told[:300]
        assert "Traceback" not in told
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        if own:
            tracemalloc.stop()
    return found, peak


JSON_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, 1, -1, 2**31, 2**63, 10**30, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"))),
    st.text(max_size=8),
    st.sampled_from(
        ("../../etc/passwd", "/dev/zero", "\x1b[2J", "=1+1", "<script>", "nan", "${oc.env:HOME}", "\u202e")
    ),
)
"""Values that JSON, or Python's idea of it, can hold."""
JSON_VALUES = st.recursive(
    JSON_LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def replaced(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """A mapping of which some values are others, some names are gone, and some are new."""
    value = dict(sound)
    for name in draw(st.lists(st.sampled_from(sorted(sound)), max_size=3, unique=True)):
        value[name] = draw(JSON_VALUES)
    for name in draw(st.lists(st.sampled_from(sorted(sound)), max_size=1)):
        del value[name]
    return value | draw(st.dictionaries(st.text(max_size=6), JSON_VALUES, max_size=1))
