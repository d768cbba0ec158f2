"""What is named like a secret in the environment is in nothing that is written."""

import logging

import pytest

from unlearnleak.machine.secrets import held, is_secret, keep_from_logs, masked, without_secrets

KEY = "0123456789abcdef-local"


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    return KEY


@pytest.mark.parametrize(
    "name",
    ["WANDB_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "db_pass", "GITHUB_TOKEN", "APIKEY", "KEY_1"],
)
def test_names_of_secrets_are_told(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["HOME", "PATH", "KEYBOARD", "AUTHOR", "MONKEYS", "TOKENIZERS_PARALLELISM", "PASSES"])
def test_other_names_are_not(name):
    assert not is_secret(name)


def test_a_short_value_and_the_path_of_a_socket_are_no_secrets(monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "true")
    monkeypatch.setenv("SSH_AUTH", "/tmp/agent.123456")
    assert not {"true", "/tmp/agent.123456"} & held().keys()


def test_a_text_and_all_texts_within_values_have_the_name_in_its_place(key):
    assert masked(f"wrong key {key}!") == "wrong key [WANDB_API_KEY]!"
    value = {"a": [f"x{key}", 3, None], key: 0.5}
    assert without_secrets(value) == {"a": ["x[WANDB_API_KEY]", 3, None], "[WANDB_API_KEY]": 0.5}


def test_a_secret_that_holds_another_goes_as_a_whole(key, monkeypatch):
    monkeypatch.setenv("OTHER_SECRET", f"{key}-and-more")
    assert masked(f"{key}-and-more") == "[OTHER_SECRET]"


def test_a_log_has_none_in_messages_and_stack_traces(key, caplog, monkeypatch):
    monkeypatch.setattr(logging, "_logRecordFactory", logging.LogRecord)
    keep_from_logs()
    keep_from_logs()  # once is enough
    try:
        raise ValueError(f"bad {key}")
    except ValueError:
        logging.getLogger("any").warning("it said %s", key, exc_info=True)
    assert "it said [WANDB_API_KEY]" in caplog.text
    assert "ValueError: bad [WANDB_API_KEY]" in caplog.text
    assert key not in caplog.text
