"""Tests of W&B without the user's own account, variables and settings."""

import os
from pathlib import Path

import pytest


def without_wandb() -> dict[str, str]:
    """This process's environment without W&B's variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}


def forget_account(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Hide the user's account and settings from this process; the service that it has stays."""
    for name in os.environ.keys() - without_wandb().keys() - {"WANDB_SERVICE"}:
        monkeypatch.delenv(name)
    for name, place in {"HOME": "home", "NETRC": "netrc", "WANDB_CONFIG_DIR": "config"}.items():
        monkeypatch.setenv(name, str(folder / place))
