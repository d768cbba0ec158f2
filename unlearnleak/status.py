"""Each run's own files: status.json while it goes on and after, result.json once it is done.

Both are replaced whole, so that a reader at any moment finds a complete file or none.
"""

import json
import os
import socket
import time
import uuid
from pathlib import Path
from typing import Any

STATUS, RESULT = "status.json", "result.json"


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file beside its place and rename it into it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, allow_nan=False)
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}")  # with the permissions that the user's umask gives
    try:
        temporary.write_text(text + "\n")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """The file's content, or None where there is none or it is not whole."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None


def mark(directory: Path, status: str, **more: Any) -> None:
    """Say how the run in `directory` stands: running, done, failed or skipped."""
    entry = {"status": status, "time": time.time(), "host": socket.gethostname(), "pid": os.getpid(), **more}
    write_json(directory / STATUS, entry)
