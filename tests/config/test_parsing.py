"""References are parsed once, and looked up each time."""

import omegaconf.base
import pytest
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationKeyError

from unlearnleak.config.parsing import parsed_once


def test_a_text_is_parsed_once_and_its_value_is_that_of_the_moment(monkeypatch):
    parse, texts = omegaconf.base.parse, []

    def counted(text, *more):
        texts.append(text)
        return parse(text, *more)

    monkeypatch.setattr(omegaconf.base, "parse", counted)
    with parsed_once():
        for value in range(5):
            config = OmegaConf.create({"a": value, "b": {"c": "is ${a}", "d": "${.c}, ${oc.select:none,${a}}"}})
            assert config.b.d == f"is {value}, {value}"
            config.a = "other"
            assert config.b.c == "is other"
    assert sorted(set(texts)) == sorted(texts) == ["${.c}, ${oc.select:none,${a}}", "is ${a}"]
    assert omegaconf.base.parse is counted


def test_what_leads_nowhere_is_told_each_time():
    with parsed_once():
        for _ in range(2):
            with pytest.raises(InterpolationKeyError):
                OmegaConf.create({"a": "${b}"}).a  # noqa: B018


def test_a_version_without_that_function_is_left_alone(monkeypatch):
    monkeypatch.delattr(omegaconf.base, "parse")
    with parsed_once():
        assert not hasattr(omegaconf.base, "parse")
