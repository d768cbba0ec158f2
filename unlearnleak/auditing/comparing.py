"""What attacks by heads compare: once for all that compare the same."""

from typing import Any

import torch

from unlearnleak.attack.base.comparison import ParameterAttack
from unlearnleak.attack.relearn import Relearn
from unlearnleak.auditing.fitting_heads import size
from unlearnleak.auditing.situation import HELD_BYTES, Fitted, Situation

PUBLISHED = "published_"
"""How settings begin that no blind verdict depends on."""


def compared_by(attack: ParameterAttack | Relearn, fit: Fitted) -> str:
    """The same of attacks that compare the same."""
    settings = {name: value for name, value in fit.settings.items() if not name.startswith(PUBLISHED)}
    return repr((type(attack) is Relearn, sorted(settings.items()), fit.per_class))


def blind(attack: ParameterAttack | Relearn, view: Any, draw: torch.Generator) -> Any:
    """What an attack compares, without the heads of the paper's figure: without a truth nobody can compute it.

    They are drawn last, so that all else is as in a run.
    """
    if isinstance(attack, Relearn):
        return attack.compare(view, draw)
    compared = ParameterAttack.compare(attack, view, draw)
    none_KMF = compared.phi_ND.new_zeros(len(compared.centroid_KD), attack.heads, 0)
    return compared._replace(published_KMF=none_KMF)


def held(compared: Any, settings: dict[str, Any], there: Situation) -> Any:
    """A comparison whose heads are kept, where they are not too large, for the other attacks that read them."""
    if not hasattr(compared, "heads") or size(settings, there) > HELD_BYTES:
        return compared
    return compared._replace(heads=list(compared.heads))
