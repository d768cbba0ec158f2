"""Tables: how columns become numbers in 0..255 and labels classes, against plain formulas; what is refused, and how."""

import io
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from unlearnleak.data import table
from unlearnleak.data.table import read_table
from unlearnleak.errors import UserError

FRAME = pd.DataFrame(
    {
        "height": [1.5, 2.0, 0.5, 1.0],
        "count": [3, -7, 0, 13],
        "open": [True, False, True, True],
        "colour": ["red", "blue", "red", "green"],
        "kind": ["b", "a", "b", "c"],
    }
)


def read(frame=FRAME, label="kind", text="onehot", how="csv"):
    return read_table(packed(frame, how), "table.csv", label, text)


def packed(frame, how):
    if how == "csv":
        return frame.to_csv(index=False).encode()
    content = io.BytesIO()
    frame.to_parquet(content)
    return content.getvalue()


@pytest.mark.parametrize("how", ["csv", "parquet"])
def test_numbers_span_0_to_255_and_words_become_a_column_each(how):
    if how == "parquet":
        pytest.importorskip("pyarrow")
    found = read(how=how)
    height = np.round(255 * (FRAME["height"] - 0.5) / 1.5)
    count = np.round(255 * (FRAME["count"] + 7) / 20)
    expected = [height, count, FRAME["open"] * 255] + [(FRAME["colour"] == c) * 255 for c in ("blue", "green", "red")]
    assert found.rows_NF.dtype == np.uint8
    assert found.rows_NF.T.tolist() == [list(column) for column in expected]
    assert found.labels_N.tolist() == [1, 0, 1, 2]
    assert found.classes == ["a", "b", "c"]


@pytest.mark.parametrize("labels", [[7, 3, 7, 12], [7.0, 3.0, 7.0, 12.0]])
def test_numbers_as_labels_are_in_the_order_of_numbers(labels):
    found = read(FRAME.assign(kind=labels))
    assert found.labels_N.tolist() == [1, 0, 1, 2]
    assert found.classes == ["3", "7", "12"]


def test_none_and_na_are_words_like_others_among_words():
    found = read_table(b"a,c,label\n1,NA,None\n2,x,b\n3,x,None\n", "F", "label", "onehot")
    assert found.classes == ["None", "b"]
    assert found.labels_N.tolist() == [0, 1, 0]
    assert found.rows_NF[:, 1:].tolist() == [[255, 0], [0, 255], [0, 255]]


@pytest.mark.parametrize("word", ["", "NA", "nan", "?", "null"])
def test_among_numbers_they_are_missing_and_the_row_is_named(word):
    content = f"a,label\n1,x\n{word},y\n3,x\n".encode()
    with pytest.raises(UserError, match="column a has 1 missing values, the first in row 1"):
        read_table(content, "F", "label", "onehot")


def test_labels_that_begin_with_a_0_are_names_and_no_two_become_one():
    found = read_table(b"a,label\n1,001\n2,1\n3,2\n", "F", "label", "onehot")
    assert found.classes == ["001", "1", "2"]
    assert read_table(b"a,label\n1,10\n2,9\n", "F", "label", "onehot").classes == ["9", "10"]
    assert read_table(b"a,label\n1,True\n2,False\n", "F", "label", "onehot").classes == ["False", "True"]


def test_a_constant_column_says_nothing_and_is_no_error():
    assert (read(FRAME.assign(height=2.5)).rows_NF[:, 0] == 0).all()


def test_the_label_column_may_be_anywhere_and_a_byte_order_mark_stands_before_it():
    content = "\ufeffkind,x\nb,1\na,2\n".encode()
    assert read_table(content, "t", "kind", "onehot").labels_N.tolist() == [1, 0]


REFUSED = {
    "no such column (dataset.label); columns: height": lambda: read(label="no such column"),
    "column height has 1 missing values, the first in row 2": lambda: read(
        FRAME.assign(height=[1, 2, None, 3]), label="kind"
    ),
    "column kind has 1 missing values": lambda: read(FRAME.assign(kind=["a", None, "b", "c"])),
    "column height holds infinities, the first in row 1": lambda: read(FRAME.assign(height=[1, np.inf, 2, 3])),
    "column height reaches from -1.5e+308": lambda: read(FRAME.assign(height=[1.5e308, -1.5e308, 2, 3])),
    "column colour holds words, such as red, and dataset.text=refuse": lambda: read(text="refuse"),
    "labels in column height must be whole numbers": lambda: read(label="height"),
    "column kind holds 1 labels, and 2 to": lambda: read(FRAME.assign(kind="a")),
    "it has 0 rows": lambda: read(FRAME.head(0)),
    "it cannot be read": lambda: read_table(b"\xff\xfe\x00", "table.csv", "kind", "onehot"),
    "columns x are there twice": lambda: read_table(b"x,x,kind\n1,2,a\n", "table.csv", "kind", "onehot"),
    "it cannot be read (Length of header or names": lambda: read_table(
        b"x,kind\n1,a,3\n2,b,3\n", "table.csv", "kind", "onehot"
    ),
    "it cannot be read (Error tokenizing": lambda: read_table(b"x,kind\n1,a\n1,2,3\n", "table.csv", "kind", "onehot"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_refused_says_the_file_what_is_wrong_and_what_is_allowed(words):
    with pytest.raises(UserError) as told:
        REFUSED[words]()
    said = str(told.value)
    assert words in said
    assert said.startswith("table.csv: ")
    assert "Allowed: a CSV with a header" in said
    assert "\n" not in said


def test_free_text_is_refused_and_not_made_columns_of():
    names = pd.DataFrame({"name": [f"n{row}" for row in range(65)], "kind": ["a", "b"] * 32 + ["a"]})
    with pytest.raises(UserError, match="column name holds 65 different words, and at most 64 are possible"):
        read(names)


def test_more_than_memory_holds_is_refused_before_it_is_parsed():
    with mock.patch.object(table, "free_memory", return_value=1000), pytest.raises(UserError, match="4 columns take"):
        read_table(b"a,b,c,kind\n" + b"1,2,3,x\n" * 100, "table.csv", "kind", "onehot")


def test_a_header_of_very_many_columns_is_refused():
    with pytest.raises(UserError, match="it has 5000 columns, and at most 4096 are possible"):
        read_table(",".join(f"c{n}" for n in range(5000)).encode() + b"\n", "table.csv", "kind", "onehot")


def test_parquet_of_lists_is_refused_by_its_type():
    pytest.importorskip("pyarrow")
    with pytest.raises(UserError, match="column x is of list"):
        read(pd.DataFrame({"x": [[1], [2]], "kind": ["a", "b"]}), how="parquet")


def test_a_word_of_a_megabyte_that_a_small_file_repeats_is_held_once():
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int8()), pa.array(["x" * 2**20]))
    content = io.BytesIO()
    pq.write_table(pa.table({"x": long, "kind": pa.array(["a", "b"] * 50_000)}), content)
    found = read_table(content.getvalue(), "table.csv", "kind", "onehot")  # 100 GB, if each row held its own
    assert found.rows_NF.shape == (100_000, 1)
