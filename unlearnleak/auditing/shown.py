"""AuditResult: an answer that shows itself, on a terminal, in a notebook, and as files."""

from dataclasses import dataclass
from pathlib import Path

from unlearnleak.auditing.result import Answer
from unlearnleak.auditing.showing import terminal


@dataclass(frozen=True, kw_only=True)
class AuditResult(Answer):
    """The answer of an audit. `print(result)` gives it in lines, a notebook shows its page."""

    def save(self, folder: str | Path) -> list[Path]:
        """Write audit.json, audit.html and audit.pdf into a folder of their own, and return their paths.

        The same audit again is written over.

        Raises:
            UserError: another audit lies there, the folder is a link, or it cannot be written.
        """
        from unlearnleak.auditing.showing.folder import write  # noqa: PLC0415  (matplotlib, Jinja: a second)

        return write(self, Path(folder))

    def _repr_html_(self) -> str:
        from unlearnleak.auditing.showing.page import fragment  # noqa: PLC0415

        return fragment(self)

    def __str__(self) -> str:
        return terminal.text(self)
