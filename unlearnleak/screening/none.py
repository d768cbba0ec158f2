"""none: no verdict. What the attack found is kept as it is, such as images that it recovered."""

from typing import NoReturn

from unlearnleak.adversary.evidence import Evidence
from unlearnleak.screening.base import Screening


class NoScreening(Screening[Evidence]):
    """Makes no stage: the job ends with its evidence, and its result judges no class.

    For attacks that recover what was forgotten and accuse no class of it; of any other attack it keeps the evidence.
    """

    version = 1
    judges = False
    accepts = (Evidence,)

    def __call__(self, evidence: Evidence) -> NoReturn:
        """Is never asked.

        Raises:
            TypeError: it was.
        """
        raise TypeError("screening=none judges no class.")
