"""Standard streams that are closed, whose reader has gone or whose disk is full: none of them ends a run."""

import io
import os
import sys
from contextlib import suppress

NAMES = ("stdin", "stdout", "stderr")


def guard_streams() -> None:
    """Make the standard streams safe to use; the first thing that a command does."""
    for number, name in enumerate(NAMES):
        if not is_open(number):
            fill(number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    for name in NAMES[1:]:
        stream = getattr(sys, name)
        if type(stream) is io.TextIOWrapper:  # a test's capture and the like are left alone
            setattr(sys, name, Patient.over(stream))
            setattr(sys, f"__{name}__", getattr(sys, name))


def is_open(number: int) -> bool:
    """Whether a file descriptor is in use."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def fill(number: int) -> None:
    """Put the null device in the place of a standard stream: a closed one's number would go to the next open file."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, number)
    os.set_inheritable(number, True)  # dup2 does not where it is the number already
    if null != number:
        os.close(null)


class Patient(io.TextIOWrapper):
    """A stream of words for people, which goes to the null device from its first failure on.

    `failed` is that failure, in words; None while all is well, or where the reader has gone on purpose, as `head` does.
    """

    failed: str | None = None

    @classmethod
    def over(cls, stream: io.TextIOWrapper) -> "Patient":
        """The same stream, patient from now on."""
        kept = {name: getattr(stream, name) for name in ("encoding", "errors", "line_buffering", "write_through")}
        return cls(stream.detach(), **kept)

    def write(self, text: str, /) -> int:
        """Write, or pretend to."""
        try:
            return super().write(text)
        except OSError as error:
            self.give_up(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or pretend to."""
        try:
            super().flush()
        except OSError as error:
            self.give_up(error)

    def give_up(self, error: OSError) -> None:
        """Let all further output vanish; say so where that is not what the reader wanted."""
        fill(self.fileno())
        with suppress(OSError):
            super().flush()  # what is left in the buffer
        if not isinstance(error, BrokenPipeError):
            self.failed = f"standard {'output' if self.fileno() == 1 else 'error'} cannot be written: {error.strerror}"
            if self.fileno() == 1:
                print(f"Warning: {self.failed}", file=sys.stderr)


def failure() -> str | None:
    """Why what was printed has not arrived; None where it has, or nobody wanted more."""
    sys.stdout.flush()
    return getattr(sys.stdout, "failed", None)
