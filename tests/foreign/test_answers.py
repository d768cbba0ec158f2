"""Tables of answers."""

import csv

import numpy as np
import pytest
import torch
from scipy.special import softmax

from unlearnleak.errors import UserError
from unlearnleak.foreign.answers import open_answers

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(30, 4)) * 3
P = softmax(LOGITS, axis=1)
LABELS = np.arange(30) % 4


def written(path, answers, labels=LABELS, head=None, label="label"):
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([label, *(head or [f"p{number}" for number in range(answers.shape[1])])])
        out.writerows([[int(number), *row] for number, row in zip(labels, answers.tolist(), strict=True)])
    return path


@pytest.mark.parametrize("kind", ["csv", "npz"])
@pytest.mark.parametrize("said", ["probabilities", "logits"])
def test_probabilities_are_kept_and_logits_told_apart(tmp_path, kind, said):
    answers, path = {"probabilities": P, "logits": LOGITS}[said], tmp_path / "a.bin"
    if kind == "csv":
        written(path, answers)
    else:
        with path.open("wb") as file:
            np.savez(file, labels=LABELS.astype(np.uint8), **{said: answers.astype(np.float32)})
    table = open_answers(path)
    assert np.allclose(table.probabilities_NK.numpy(), P, atol=1e-6)
    assert table.labels_N.tolist() == LABELS.tolist()
    assert table.num_classes == 4
    assert table.kind.startswith("table of answers")
    assert ["softmax" in note for note in table.notes] == ([] if said == "probabilities" else [True])


def test_columns_have_names_and_the_label_may_stand_anywhere(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("cat,dog, Label\n0.25,0.75,1\n1,0,0\n\n")
    table = open_answers(path)
    assert table.columns == ("cat", "dog")
    assert table.labels_N.tolist() == [1, 0]
    assert torch.equal(table.probabilities_NK, torch.tensor([[0.25, 0.75], [1, 0]]))


def test_labels_may_be_the_names_of_the_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\ufeffcat,label,dog\n0.25,dog,0.75\n1,cat,0\n", encoding="utf-8")
    assert open_answers(path).labels_N.tolist() == [1, 0]


def test_rounded_rows_are_divided_by_their_sum(tmp_path):
    table = open_answers(written(tmp_path / "a.csv", P.round(2)))
    assert torch.allclose(table.probabilities_NK.sum(1), torch.ones(30))
    assert table.notes == ("the rows are rounded; each was divided by its sum",)


def test_a_class_without_a_row_is_noted(tmp_path):
    table = open_answers(written(tmp_path / "a.csv", P, np.where(LABELS == 2, 1, LABELS)))
    assert table.notes == ("no image of 1 of 4 classes: 2",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("label,p0,p1\n0,0.5,0.5\n2,0.5,0.5\n", r"holds the label 2\. Allowed: 0\.\.1, for 2 classes"),
        ("label,p0,p1\n0,0.5,0.5\n-1,0.5,0.5\n", "holds the label -1"),
        ("label,p0,p1\n0,0.3,0.3\n1,0.9,0.9\n", r"are 1 in all, and these are 0\.6 to 1\.8"),
        ("label,p0,p1\n0,40,60\n1,10,90\n", "percentages"),
        ("label,p0,p1\n0,0.5\n", r"line 2: 2 cells for 3 columns"),
        ("label,p0,p1\n0,0.5,zero\n", r"line 2: could not convert string to float: 'zero'"),
        ("label,p0,p1\n0,nan,0.5\n", "infinite or no numbers"),
        ("label,p0,p1\n0.5,0.5,0.5\n", "line 2: invalid literal"),
        ("label,p0,p1\n", "0 rows and 0 labels"),
        ("label,p0\n0,1\n", "two classes or more"),
        ("label,label,p1\n0,1,1\n", "has not one column label"),
        ("label,p0,p1\n99999999999999999999,0.5,0.5\n", "line 2"),
        ("class,p0,p1\n0,0.5,0.5\n", "a table without a column label; its columns are class, p0, p1"),
        ("label,cat,dog\nemu,0.5,0.5\n", "line 2: invalid literal for int"),
    ],
)
def test_what_is_no_table_of_answers_is_told_in_a_line(tmp_path, text, told):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=told) as refused:
        open_answers(tmp_path / "a.csv")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"probabilities": P * 2, "labels": LABELS}, "are 1 in all, and these are 2 to 2"),
        ({"probabilities": P, "labels": LABELS[:5]}, "holds 30 rows and 5 labels"),
        ({"probabilities": P, "labels": LABELS / 1.0}, "labels is float64"),
        ({"logits": P.astype(int), "labels": LABELS}, "logits is int64"),
        ({"logits": P[0], "labels": LABELS}, r"of shape \(4,\)"),
        ({"logits": P}, "holds the arrays logits"),
        ({"logits": np.array([{}], dtype=object), "labels": LABELS}, "logits is object"),
    ],
)
def test_an_archive_that_is_none_is_told_in_a_line(tmp_path, arrays, told):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError, match=told):
        open_answers(tmp_path / "a.npz")
