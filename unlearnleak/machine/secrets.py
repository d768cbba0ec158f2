"""Secrets of the environment stay out of what is written for others: results, logs, configs, reports, W&B.

A configuration cannot ask for one (`config.references`). This is the second lock: whatever a library or an error says,
the value of a variable that is named like a secret is written as the variable's name.
"""

import logging
import os
import re
from typing import Any

NAMES = re.compile(
    r"(?i)(^|_)(key|token|secret|pass|pw|pwd|passwd|credentials?|auth|cookie)(_|\d*$)|(key|token|secret|password|passwd|passphrase)$"
)
"""Names of variables that hold secrets, such as WANDB_API_KEY, HF_TOKEN and AWS_SECRET_ACCESS_KEY."""
SHORTEST = 8
"""Characters: a shorter value would be found in the middle of words."""


def is_secret(name: str) -> bool:
    """Whether a variable of the environment is named as one that holds a secret."""
    return NAMES.search(name) is not None


def held() -> dict[str, str]:
    """The secrets in the environment, longest first, each with its variable's name; paths, as of sockets, are none."""
    found = {
        value: name
        for name, value in os.environ.items()
        if len(value) >= SHORTEST and not value.startswith("/") and is_secret(name)
    }
    return {value: found[value] for value in sorted(found, key=len, reverse=True)}


def masked(text: str) -> str:
    """The text with each secret's name in its place, such as [WANDB_API_KEY]."""
    for value, name in held().items():
        text = text.replace(value, f"[{name}]")
    return text


def without_secrets(value: Any) -> Any:
    """The same value, built of lists and mappings, with all of its texts `masked`."""
    if not held():
        return value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if isinstance(value, dict):
        return {without_secrets(key): without_secrets(item) for key, item in value.items()}
    return value


def keep_from_logs() -> None:
    """Mask whatever this process logs from now on, stack traces too."""
    before = logging.getLogRecordFactory()
    if getattr(before, "masks", False):
        return

    def record(*words: Any, **named: Any) -> logging.LogRecord:
        made = before(*words, **named)
        if held():
            made.msg, made.args = masked(made.getMessage()), ()
            if made.exc_info:
                made.exc_text = masked(logging.Formatter().formatException(made.exc_info))
        return made

    record.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(record)
