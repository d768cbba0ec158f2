"""Ctrl-C from a command's first moments on: one line and the exit status that a shell knows, never a stack trace.

Before anything has begun there is nothing to close, so the process ends at once. Later it is a KeyboardInterrupt, of
which is remembered that it came: libraries turn it into errors of their own.
"""

import os
import signal
import sys

LINE = "\nInterrupted. The same command goes on from what is stored."
CODE = 130  # 128 and the signal's number, as shells have it
_heard: list[int] = []


def end_at_once() -> None:
    """Let Ctrl-C end this process while it imports; one that was told to ignore it (nohup, `&`) goes on ignoring it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_from_now_on() -> None:
    """Let Ctrl-C be a KeyboardInterrupt again, and remember that it came."""
    _heard.clear()
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _end):
        signal.signal(signal.SIGINT, _raise)


def heard() -> bool:
    """Whether Ctrl-C came since `raise_from_now_on`."""
    return bool(_heard)


def _end(number: int, frame: object) -> None:
    print(LINE, file=sys.stderr, flush=True)
    os._exit(CODE)


def _raise(number: int, frame: object) -> None:
    _heard.append(number)
    raise KeyboardInterrupt
