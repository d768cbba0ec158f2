"""What a hit and a miss return, and the files in between."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file

from tests.store.published import FILES, never
from unlearnleak.store import Contents, key_of
from unlearnleak.store.artifact import DamageError, decode

PAYLOAD = {"dataset": {"name": "digits", "classes": [0, 1]}, "lr": 0.1, "version": 1, "parents": ()}


def tensors():
    generator = torch.Generator().manual_seed(0)
    floats = torch.randn(4, 5, generator=generator)
    floats[0, :3] = torch.tensor([float("nan"), float("-inf"), -0.0])
    return {
        "float32": floats,
        "float64": floats.double(),
        "bfloat16": floats.bfloat16(),
        "float16": floats.half(),
        "int64": torch.tensor([-(2**63), 2**63 - 1]),
        "int32": torch.arange(3, dtype=torch.int32),
        "uint8": torch.arange(256, dtype=torch.uint8),
        "bool": torch.tensor([[True], [False]]),
        "empty": torch.empty(0, 3),
        "empty, too": torch.empty(2, 0, dtype=torch.int64),
        "scalar": torch.tensor(2.5),
        "transposed": floats.t(),
        "channels last": torch.randn(2, 3, 4, 4, generator=generator).to(memory_format=torch.channels_last),
        "expanded": torch.tensor([7.0]).expand(3),
        "same memory": floats,
        "part": floats[1:3, ::2],
        "weight.é/\n": torch.nn.Parameter(floats.clone()),
        "": torch.ones(1),
    }


def bits(tensors):
    """Names, types, shapes and bytes: unlike ==, tells -0.0 from 0.0 and knows NaN."""
    return {
        name: (
            tensor.dtype,
            tuple(tensor.shape),
            tensor.detach().flatten().clone().view(torch.uint8).numpy().tobytes(),
        )
        for name, tensor in tensors.items()
    }


def test_a_miss_and_a_hit_return_the_bits_that_were_computed(store):
    miss = store.get_or_compute("original", PAYLOAD, lambda: Contents(tensors(), {"seconds": 0.1}))
    hit = store.get_or_compute("original", PAYLOAD, never)
    assert (miss.hit, hit.hit) == (False, True)
    assert bits(miss.tensors) == bits(hit.tensors) == bits(tensors())
    assert list(miss.tensors) == list(hit.tensors) == sorted(tensors())
    for name, tensor in {**miss.tensors, **hit.tensors}.items():
        assert tensor.is_contiguous(), name
        assert not tensor.requires_grad, name
    assert (miss.stage, miss.key, miss.path, miss.payload) == (hit.stage, hit.key, hit.path, hit.payload)


def test_tensors_of_an_artifact_are_the_callers_own(store):
    """Writing into them must reach neither the next reader nor a tensor that shared memory before."""
    first = store.get_or_compute("original", PAYLOAD, lambda: Contents(tensors(), {}))
    first.tensors["float32"].zero_()
    assert bits({"same memory": first.tensors["same memory"]}) == bits({"same memory": tensors()["float32"]})
    second = store.get_or_compute("original", PAYLOAD, never)
    second.tensors["float32"].zero_()
    assert bits(store.get_or_compute("original", PAYLOAD, never).tensors) == bits(tensors())


def test_meta_is_the_same_after_a_miss_and_a_hit(store):
    meta = {"curve": (0.1, 1e-300, 1 / 3), "classes": {3: 0.5, 1: None}, "nested": [{"ü": True}], "n": 2**70}
    miss = store.get_or_compute("original", PAYLOAD, lambda: Contents({}, meta))
    hit = store.get_or_compute("original", PAYLOAD, never)
    expected = {
        "curve": [0.1, 1e-300, 1 / 3],
        "classes": {"3": 0.5, "1": None},
        "nested": [{"ü": True}],
        "n": 2**70,
    }
    assert miss.meta == hit.meta == expected
    assert list(miss.meta) == list(hit.meta) == list(expected)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (Contents({}, {"loss": [0.1, float("nan")]}), r"meta\.loss\[1\] is nan"),
        (Contents({}, {"a": {"b": float("-inf")}}), r"meta\.a\.b is -inf"),
        (Contents({}, {"a": torch.ones(1)}), r"meta\.a is .* a Tensor"),
        (Contents({}, {1: "x", "1": "y"}), "two names that both read '1'"),
        (Contents({"w": [1.0]}, {}), r"tensors\['w'\] is a list"),
        (Contents({3: torch.ones(1)}, {}), r"tensors\[3\]"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name_and_leaves_nothing(store, contents, message):
    with pytest.raises(TypeError, match=message):
        store.get_or_compute("original", PAYLOAD, lambda: contents)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    assert not store.contains("original", PAYLOAD)


def test_the_one_tensor_name_that_safetensors_reserves_is_refused(store):
    with pytest.raises(ValueError, match="__metadata__"):
        store.get_or_compute("original", PAYLOAD, lambda: Contents({"__metadata__": torch.ones(1)}, {}))


def test_the_files_are_readable_without_this_package(store):
    artifact = store.get_or_compute("original", PAYLOAD, lambda: Contents(tensors(), {"n": 1}))
    assert artifact.path == store.root / "original" / key_of(PAYLOAD)
    raw = {path.name: path.read_bytes() for path in artifact.path.iterdir()}
    assert sorted(raw) == ["manifest.json", "meta.json", "payload.json", "tensors.safetensors"]
    assert hashlib.sha256(raw["payload.json"]).hexdigest()[:24] == artifact.key
    assert json.loads(raw["payload.json"]) == {**PAYLOAD, "parents": []} == artifact.payload
    assert json.loads(raw["meta.json"]) == {"n": 1}
    assert bits(load_file(artifact.path / "tensors.safetensors")) == bits(tensors())
    assert json.loads(raw.pop("manifest.json")) == {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in raw.items()
    }


def test_no_flipped_bit_and_no_lost_byte_anywhere_goes_unseen(place):
    files = {name: (place / name).read_bytes() for name in FILES}
    decode("original", place, files, hit=True)
    for name, content in files.items():
        for at in range(len(content)):
            for bit in range(8):
                changed = content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]
                with pytest.raises(DamageError):
                    decode("original", place, {**files, name: changed}, hit=True)
            with pytest.raises(DamageError):
                decode("original", place, {**files, name: content[:at]}, hit=True)
