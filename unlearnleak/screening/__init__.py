"""Screenings: from an attack's evidence to a verdict, one judgement per class.

Each module here is one screening. It reads the evidence and nothing else: no model, no images, no truth. Whether it can
read an attack's evidence is known from `accepts` before anything is trained.
"""

import importlib
import pkgutil

from unlearnleak.screening.base import Screening


def every_screening() -> dict[str, type[Screening]]:
    """All screenings of this project by the word on the command line, for messages that list them."""
    found: dict[str, type[Screening]] = {}
    for module in pkgutil.iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Screening) and value.__module__ == name:
                found[module.name] = value
    found.pop("base", None)
    return dict(sorted(found.items()))
