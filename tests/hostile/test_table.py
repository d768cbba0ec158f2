"""A table of a stranger's: rows in range with a class each, or words that name the file."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.damage import BOUNDED, OVERHEAD, damaged, words_or_result
from unlearnleak.data.table import read_table

FRAME = pd.DataFrame(
    {"x": [1.5, -2.0, 3.25, 0.0], "n": [1, 2, 3, 4], "word": ["a", "b", "b", "c"], "label": [0, 1, 1, 0]}
)
SOUND = FRAME.to_csv(index=False).encode()
PARQUET = io.BytesIO()
CELLS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(("1", "-1e308", "1e400", "nan", "NA", "", "inf", "=1+1", "true", '"', "9" * 400, "\x1b[2J")),
)


def rows_or_words(content):
    found, peak = words_or_result(lambda: read_table(content, "table.csv", "label", "onehot"))
    if found is not None:
        assert len(found.rows_NF) == len(found.labels_N) > 0
        assert found.labels_N.min() == 0
        assert found.labels_N.max() == len(found.classes) - 1 >= 1
    assert peak < 2000 * len(content) + OVERHEAD
    return found


@BOUNDED
@given(damaged(SOUND))
def test_a_damaged_csv(content):
    rows_or_words(content)


@BOUNDED
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6), st.sampled_from(("\n", "\r\n", "\r")))
def test_a_csv_of_anything(rows, end):
    text = end.join(",".join(row) for row in [["label", "x", "y"], *rows])
    rows_or_words(text.encode("utf-8", "surrogatepass"))


@BOUNDED
@given(st.data())
def test_a_damaged_parquet(data):
    pytest.importorskip("pyarrow")
    if not PARQUET.tell():
        FRAME.to_parquet(PARQUET)
    rows_or_words(data.draw(damaged(PARQUET.getvalue())))


def test_the_sound_ones_are_read():
    assert len(rows_or_words(SOUND).rows_NF) == 4
