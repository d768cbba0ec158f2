"""Ctrl-C at a command's start is one line, whatever was being imported or composed."""

import os
import signal
import subprocess
import sys

import pytest

from unlearnleak import run
from unlearnleak.machine import interrupts


@pytest.fixture(autouse=True)
def left_as_it_was(monkeypatch):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(run.master, "install", lambda: None)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_while_it_imports(tmp_path):
    (tmp_path / "hydra.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "unlearnleak.run", "unlearner=rt"]
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr.strip()) == (130, interrupts.LINE.strip())


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, AttributeError])
def test_as_an_error_that_a_library_made_of_it(monkeypatch, capsys, error):
    def composing():
        try:
            ctrl_c()
        except KeyboardInterrupt:
            raise error("half a config") from None

    monkeypatch.setattr(run, "start", composing)
    monkeypatch.setattr(sys, "argv", ["unlearnleak", "unlearner=rt"])
    with pytest.raises(SystemExit) as end:
        run.main()
    assert end.value.code == 130
    assert capsys.readouterr().err == f"{interrupts.LINE}\n"


def test_an_error_without_it_is_told(monkeypatch, capsys):
    def composing():
        raise OSError("no space")

    monkeypatch.setattr(run, "start", composing)
    monkeypatch.setattr(sys, "argv", ["unlearnleak", "unlearner=rt"])
    with pytest.raises(SystemExit) as end:
        run.main()
    assert end.value.code == 1
    assert "no space" in capsys.readouterr().err


def test_who_was_told_to_ignore_it_does():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts.end_at_once()
        interrupts.raise_from_now_on()
        ctrl_c()
        assert not interrupts.heard()
    finally:
        signal.signal(signal.SIGINT, before)
