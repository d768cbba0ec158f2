"""The live line of a sweep on the terminal, and its log file with one line per event."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from unlearnleak.machine.printable import LINES, first_line, plain, printable
from unlearnleak.runs.launch import STAGE_JOBS
from unlearnleak.sweep.board import Board, is_failure

SHORTEST = 1.0  # seconds between two looks at the disk; more where a look takes long
LOG = "sweep.log"


class Live:
    """A context: a thread reads the board now and then, shows its line, and writes news to the log file."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.board, self.console = Board(folder), console
        self.began = time.monotonic()
        self.end = threading.Event()
        self.lock = threading.Lock()
        self.log = logging.Logger("sweep", logging.INFO)
        handler = logging.FileHandler(folder / LOG, encoding="utf-8", errors="backslashreplace")
        handler.setFormatter(logging.Formatter("[%(asctime)s] %(message)s"))
        self.log.addHandler(handler)
        self.status: Status | None = None
        self.thread = threading.Thread(target=self.watch, name="live line", daemon=True)

    def __enter__(self) -> "Live":
        if self.console.is_terminal:
            self.status = self.console.status("", spinner="dots" if self.console.encoding.startswith("utf") else "line")
            self.status.start()
        self.log.info("%s", printable(self.board.plan["command"]))
        self.log.info("%s", printable(self.board.plan["announcement"]))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        self.thread.join()
        try:
            self.look()
        finally:
            if self.status is not None:
                self.status.stop()  # shows the cursor again, whatever happened
        self.say(self.board.line(time.monotonic() - self.began))
        for handler in self.log.handlers:
            handler.close()

    def wave_begins(self, name: str) -> None:
        """A new wave: the pace is counted anew."""
        self.look()
        self.began = time.monotonic()
        wave = next(wave for wave in self.board.waves if wave.name == name)
        if wave.left:
            self.say(f"{name}: {wave.left} to compute")

    def say(self, text: str) -> None:
        """A line that stays, in the terminal and in the log file."""
        self.log.info("%s", printable(text))
        self.console.print(plain(text), highlight=False, soft_wrap=True)

    def watch(self) -> None:
        """Look at the disk until the end; a look may take a tenth of the time."""
        pause = SHORTEST
        while not self.end.wait(pause):
            start = time.perf_counter()
            self.look()
            pause = max(SHORTEST, 9 * (time.perf_counter() - start))

    def look(self) -> None:
        """Read the board, log what has ended, show failures, renew the line."""
        with self.lock:
            for folder, entry in self.board.poll().items():
                self.tell(folder, entry)
            if self.status is not None:
                self.status.update(plain(self.board.line(time.monotonic() - self.began)))

    def tell(self, folder: Path, entry: dict[str, Any]) -> None:
        """One task has ended. What fails since a stage has is told by that stage, and counted at the end."""
        why = f": {entry['why']}" if entry.get("why") else ""
        self.log.info("%s", printable(f"{entry['status']} {folder}{why}", keep=LINES))
        if is_failure(entry) and not entry.get("because"):
            first = first_line(entry.get("why"))
            name = " ".join(folder.parts[-2:]) if STAGE_JOBS in folder.parts else folder.name
            self.console.print(plain(f"failed: {name}: {first}"), highlight=False, soft_wrap=True)
