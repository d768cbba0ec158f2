"""Keys: the same for the same settings, another for any other."""

import hashlib
import json
from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlearnleak.store import key_of

TEXT = st.text(max_size=4)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT, part, max_size=3), max_leaves=6
)
FEW = st.sampled_from([None, True, False, 0, 1, -1, 0.0, 1.0, -0.0, "", "1", "true", "null"])
ALIKE = st.recursive(
    FEW, lambda part: st.lists(part, max_size=2) | st.dictionaries(st.sampled_from("ab"), part), max_leaves=4
)


def test_a_key_is_the_hash_of_the_canonical_json():
    text = b'{"a":"\\u00e9","b":[1,2.5,null,true,{"c":{}}]}'
    assert key_of({"b": (1, 2.5, None, True, {"c": {}}), "a": "é"}) == hashlib.sha256(text).hexdigest()[:24]


def reordered(value):
    if isinstance(value, Mapping):
        return {name: reordered(value[name]) for name in reversed(list(value))}
    return tuple(map(reordered, value)) if isinstance(value, list) else value


def spelled(value):
    """Values as the key should tell them apart: types count, the order of names does not."""
    if isinstance(value, Mapping):
        return {name: spelled(item) for name, item in value.items()}
    return [spelled(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_neither_the_order_of_names_nor_tuples_change_the_key(payload):
    assert key_of(reordered(payload)) == key_of(payload)
    assert key_of(json.loads(json.dumps(payload))) == key_of(payload)


@given(ALIKE, ALIKE)
def test_keys_are_equal_only_for_equal_values(one, other):
    assert (key_of({"x": one}) == key_of({"x": other})) == (spelled(one) == spelled(other))


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=4), st.data())
def test_a_change_of_any_value_changes_the_key(payload, data):
    changed = json.loads(json.dumps(payload))
    inner = changed
    while True:  # walk to some value at some depth, and exchange it
        step = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not isinstance(inner[step], dict | list) or not inner[step]:
            break
        inner = inner[step]
    inner[step] = data.draw(JSON.filter(lambda new: spelled(new) != spelled(inner[step])))
    assert key_of(changed) != key_of(payload)


def test_one_one_point_zero_and_true_are_three_values():
    assert len({key_of({"x": value}) for value in (1, 1.0, True, "1")}) == 4


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"a": {"b": [1, {2}]}}, r"payload\.a\.b\[1\] is \{2\}, a set"),
        ({"lr": float("nan")}, r"payload\.lr is nan"),
        ({"lr": [float("inf")]}, r"payload\.lr\[0\] is inf"),
        ({"device": torch.device("cpu")}, r"payload\.device is .*, a device"),
        ({"classes": {1: "x"}}, r"payload\.classes has the name 1, a int"),
        ({"b": b"x"}, r"payload\.b is b'x', a bytes"),
    ],
)
def test_a_value_that_is_not_json_is_refused_by_its_place(payload, message):
    with pytest.raises(TypeError, match=message):
        key_of(payload)
