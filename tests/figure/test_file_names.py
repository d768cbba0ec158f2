"""Names of files made of what runs say."""

import pytest

from unlearnleak.figure.file_names import LONGEST, file_names


def test_ordinary_words_stay_words():
    words = [("param_dot", "youden"), ("digits",), ("größe",), ("cifar10.v2",)]
    assert list(file_names(words).values()) == ["param_dot_youden", "digits", "größe", "cifar10.v2"]


@pytest.mark.parametrize("word", ["/../../victim/x", "a\0b", "a\nb", "a b", "\udcff", "a\\b", "C:x", "a*b?", ""])
def test_nothing_in_them_is_a_path(word):
    (name,) = file_names([(word, "youden")]).values()
    assert all(letter.isalnum() or letter in "_." for letter in name)
    assert name.encode()


@pytest.mark.parametrize(
    "words",
    [
        [("a b",), ("a/b",), ("a_b",)],
        [("a", "b_c"), ("a_b", "c")],
        [("MNIST",), ("mnist",)],
        [("x" * 500,), ("x" * 501,)],
        [("日" * 300,), ("日" * 301,)],
        [("e\u0301",), ("\u00e9",)],
    ],
)
def test_no_two_are_alike_or_too_long(words):
    names = file_names(words)
    assert len({name.casefold() for name in names.values()}) == len(words)
    assert max(len(name.encode()) for name in names.values()) <= LONGEST + 9
    assert names == file_names(reversed(words))
