"""Weights of a stranger (unlearner=imported): a model of finite numbers, or words that name the file."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from tests.hostile.damage import BOUNDED, JSON_VALUES, NUMBERS, OVERHEAD, damaged, words_or_result
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import isolated
from unlearnleak.model.base.weights import WeightsFile
from unlearnleak.model.lenet import LeNet


def model():
    with isolated(0, "weights"):
        return LeNet(image_shape=(1, 12, 12), num_classes=3, mean=(0.5,), std=(0.5,))


SOUND = save(model().state_dict())
HEADER = json.loads(SOUND[8 : 8 + int.from_bytes(SOUND[:8], "little")])
BODY = SOUND[8 + int.from_bytes(SOUND[:8], "little") :]


def held_to_the_truth(path):
    into = model()
    found, peak = words_or_result(lambda: WeightsFile(str(path), setting="unlearner.path").load_into(into) or into)
    if found is not None:
        assert all(value.isfinite().all() for value in found.state_dict().values())
    assert peak < 2 * path.stat().st_size + OVERHEAD
    return found


def written(header: object, body: bytes = BODY) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


@BOUNDED
@given(damaged(SOUND))
def test_a_damaged_file_is_refused_or_read(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    held_to_the_truth(path)


@BOUNDED
@given(damaged(SOUND[: len(SOUND) - len(BODY)]))
def test_a_damaged_header_is(tmp_path, header):
    path = tmp_path / "w.safetensors"
    path.write_bytes(header + BODY)
    held_to_the_truth(path)


DTYPES = st.sampled_from(
    ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "U16", "BOOL", "C64", "F4", "", "O")
)
ENTRY = st.fixed_dictionaries(
    {
        "dtype": DTYPES | JSON_VALUES,
        "shape": st.lists(st.sampled_from(NUMBERS), max_size=3) | JSON_VALUES,
        "data_offsets": st.lists(st.sampled_from((*NUMBERS, 8, 64)), min_size=2, max_size=2) | JSON_VALUES,
    }
)


@BOUNDED
@given(st.sampled_from(sorted(HEADER)), ENTRY | JSON_VALUES)
def test_a_tensor_that_is_described_as_something_else_is(tmp_path, name, entry):
    path = tmp_path / "w.safetensors"
    path.write_bytes(written(HEADER | {name: entry}))
    held_to_the_truth(path)


@BOUNDED
@given(DTYPES, st.binary(min_size=48, max_size=48))
def test_numbers_of_any_kind_are(tmp_path, dtype, numbers):
    """The head's bias, three numbers, in the last bytes of a file that is otherwise sound."""
    path, width = tmp_path / "w.safetensors", {"F64": 8, "I64": 8, "C64": 8, "F32": 4}.get(dtype, 2)
    others = {name: entry for name, entry in HEADER.items() if name != "head.bias"}
    body, header = bytearray(), {}
    for name, entry in others.items():
        start, end = entry["data_offsets"]
        header[name] = entry | {"data_offsets": [len(body), len(body) + end - start]}
        body += BODY[start:end]
    size = len(body)
    header["head.bias"] = {"dtype": dtype, "shape": [3], "data_offsets": [size, size + 3 * width]}
    path.write_bytes(written(header, bytes(body) + numbers[: 3 * width]))
    held_to_the_truth(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ((2**40).to_bytes(8, "little") + b"{}", "no possible length"),
        (written({"head.bias": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}), "promises more than"),
        (written({f"{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(90_000)}), "length"),
        (written({"\x1b[2J": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}), r"holds \\x1b\[2J"),
    ],
    ids=["a long header", "a tensor of terabytes", "names without end", "a name that a terminal obeys"],
)
def test_what_the_header_shows_is_refused_before_the_rest_is_read(tmp_path, monkeypatch, content, told):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    monkeypatch.setattr("unlearnleak.model.base.weights.read_whole", lambda path: pytest.fail("read the whole file"))
    with pytest.raises(UserError, match=told) as refused:
        WeightsFile(str(path), setting="unlearner.path").load_into(model())
    assert str(refused.value).isprintable()


def test_the_sound_file_is_read(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(SOUND)
    assert torch.equal(held_to_the_truth(path).head.weight, model().head.weight)
