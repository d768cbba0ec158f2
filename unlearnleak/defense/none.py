"""none: the unlearned model is shipped as it is."""

from unlearnleak.defense.base import Defense


class NoDefense(Defense):
    """Makes no stage: attacks are handed the unlearned model itself."""

    version = 1
    active = False
