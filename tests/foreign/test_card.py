"""Cards: what a file says of itself, and what no file can make a reader do."""

import json
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from unlearnleak.errors import UserError
from unlearnleak.foreign.card import LARGEST, NAME, Card, card_in, in_archive, parsed

CARD = Card(model="lenet", num_classes=4, image_shape=(1, 12, 12), mean=(0.5,), std=(0.25,), head="head")


def test_a_card_comes_back_from_weights_and_from_a_graph(tmp_path):
    save_file({"w": torch.zeros(2)}, tmp_path / "w", {NAME: CARD.text()})
    assert card_in(tmp_path / "w") == CARD
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),))
    torch.export.save(program, tmp_path / "g.pt2", extra_files={NAME: CARD.text()})
    assert card_in(tmp_path / "g.pt2") == CARD


def test_files_without_a_card_have_none(tmp_path):
    save_file({"w": torch.zeros(2)}, tmp_path / "w")
    assert card_in(tmp_path / "w") is None
    torch.save({"w": torch.zeros(2)}, tmp_path / "t")
    assert card_in(tmp_path / "t") is None
    with pytest.raises(UserError):
        card_in(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "changed",
    [
        {"num_classes": 10**9},
        {"image_shape": [1, 12]},
        {"image_shape": [1, 0, 12]},
        {"std": [0.0]},
        {"mean": "x"},
        {"model": None},
    ],
)
def test_a_card_that_cannot_be_is_none(changed):
    assert parsed(json.dumps(CARD.model_dump() | changed)) is None


@given(st.text() | st.binary() | st.integers(0, 10**5).map(lambda n: "[" * n))
def test_any_text_is_a_card_or_none(text):
    assert parsed(text) is None


def test_a_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"x/extra/{NAME}", " " * (LARGEST + 1) + CARD.text())
    assert in_archive(tmp_path / "bomb") is None
