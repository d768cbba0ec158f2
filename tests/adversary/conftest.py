"""The targets and the evidence that the attacks' tests share."""

from tests.attack.conftest import diff_evidence, dot_evidence, targets

__all__ = ["diff_evidence", "dot_evidence", "targets"]
