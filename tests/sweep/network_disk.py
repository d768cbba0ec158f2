"""A network file system as another host sees it, simulated in this process: no locks, and attributes that come late.

- Locks fail (ENOLCK), as on a mount without a lock service.
- What a path is, or that it is not there, is remembered for a while whatever other hosts have done since, as NFS's
  attribute and negative-entry caches do (man 5 nfs, acregmin and lookupcache). What this host does itself it sees.
- A file is asked about anew when it is opened, unless its name is remembered as one that is not there.
- Renames and writes take their time, so that hosts come between each other's steps.
- Other hosts' processes cannot be looked at: the host has a name of its own.
"""

import builtins
import errno
import fcntl
import io
import os
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LATE = 0.7
"""Seconds for which the attributes of a path, or its absence, are taken from memory."""


class NetworkDisk:
    """Everything below `root` as one host sees it; `install` it once in a process."""

    def __init__(self, root: Path, host: str) -> None:
        self.root, self.host = str(root), host
        self.random = random.Random(host)
        self.known: dict[tuple[str, bool], tuple[float, os.stat_result | OSError]] = {}
        self.late = 0  # answers that were older than the disk

    def install(self) -> None:
        """Take the place of the calls that this process makes to the disk."""
        stat, lstat, rename, replace = os.stat, os.lstat, os.rename, os.replace
        os.stat, os.lstat = self.asked(stat), self.asked(lstat, link=True)
        os.rename, os.replace = self.slow(rename), self.slow(replace)
        for name in ("mkdir", "unlink", "remove", "rmdir", "utime"):
            setattr(os, name, self.seen_here(getattr(os, name)))
        opened, flags = builtins.open, os.open

        def open_file(path: Any, mode: str = "r", *more: Any, **how: Any) -> Any:
            self.about_to_open(path, reads="r" in mode)
            file = opened(path, mode, *more, **how)
            self.forget(path)
            return file

        def open_flags(path: Any, how: int, *more: Any, **named: Any) -> int:
            self.about_to_open(path, reads=not how & os.O_CREAT)
            number = flags(path, how, *more, **named)
            self.forget(path)
            return number

        builtins.open = io.open = open_file  # type: ignore[assignment]
        os.open = open_flags
        fcntl.flock = self.no_locks
        socket.gethostname = lambda: self.host

    def ours(self, path: Any) -> str | None:
        """The path as a text, if it lies on this disk."""
        if isinstance(path, int):
            return None
        text = os.fspath(path)
        text = os.fsdecode(text)
        return text if text.startswith(self.root) else None

    def asked(self, ask: Callable[..., os.stat_result], link: bool = False) -> Callable[..., os.stat_result]:
        """`os.stat` from memory, where it was asked lately."""

        def answer(path: Any, **how: Any) -> os.stat_result:
            text = self.ours(path)
            if text is None or how.get("dir_fd") is not None:
                return ask(path, **how)
            key = (text, link or not how.get("follow_symlinks", True))
            known = self.known.get(key)
            if known is None or time.monotonic() - known[0] > LATE:
                try:
                    found: os.stat_result | OSError = ask(path, **how)
                except OSError as error:
                    found = error
                known = self.known[key] = (time.monotonic(), found)
            else:
                self.late += 1
            if isinstance(known[1], OSError):
                raise type(known[1])(known[1].errno, known[1].strerror, text)
            return known[1]

        return answer

    def about_to_open(self, path: Any, reads: bool) -> None:
        """A name that is remembered as missing is still missing to who would read it."""
        text = self.ours(path)
        known = self.known.get((text, False)) if text else None
        if reads and known and isinstance(known[1], FileNotFoundError) and time.monotonic() - known[0] <= LATE:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), text)

    def slow(self, act: Callable[..., None]) -> Callable[..., None]:
        """A rename that takes its time before it happens, and after it."""

        def acted(source: Any, target: Any, **how: Any) -> None:
            mine = self.ours(source) is not None
            if mine:
                time.sleep(self.random.random() * 0.02)
            try:
                act(source, target, **how)
            finally:
                self.forget(source, target)
                if mine:
                    time.sleep(self.random.random() * 0.02)

        return acted

    def seen_here(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """What this host does itself it sees at once."""

        def acted(path: Any, *more: Any, **how: Any) -> Any:
            try:
                return act(path, *more, **how)
            finally:
                self.forget(path)

        return acted

    def forget(self, *paths: Any) -> None:
        """Ask anew about these, what lies below them, and the folders that they lie in."""
        for path in paths:
            if text := self.ours(path):
                parent = str(Path(text).parent)
                for known in [
                    each for each in self.known if each[0] in (text, parent) or each[0].startswith(f"{text}/")
                ]:
                    self.known.pop(known, None)

    def no_locks(self, *_: Any) -> None:
        """`fcntl.flock` on a mount without locks."""
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
