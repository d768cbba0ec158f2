"""What every component has: a version, settings that no key sees, and a say before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar


@dataclass(frozen=True)
class Choices:
    """What one component may know of the others that were chosen for a job; nothing of it tells what is forgotten.

    names: their words on the command line, by group.
    training: how the original is trained, an `Optimization`.
    auxiliary_per_class: how many labelled samples of each class an attacker holds.
    has_original: whether there is a model from before unlearning, which an attack might see.
    can_shadow: whether an attacker can make models as the target was made.
    has_pretrained: whether there is a model from before a fine-tuning stage, which an attack might see.
    weaker: whether an attacker holds other labelled samples than the data set sets aside; attacks make do with them.
    retrains: whether the target is trained without what is forgotten, from where the original began.
    """

    names: Mapping[str, str]
    training: Any
    auxiliary_per_class: int
    has_original: bool
    can_shadow: bool
    has_pretrained: bool
    retrains: bool
    weaker: bool = False


class Component:
    """Something that a word on the command line chooses, such as `unlearner=rt`.

    Class attributes:
        version: raise it when the component's numbers change; what older versions stored is then not used.
        memory_keys: settings that bound memory and change nothing else, so that no key in the store holds them.
        later_keys: settings that came later than keys, each with the value that says what was before: no key holds it.
        location_keys: settings that say where something lies; what lies there is in the keys, not these.
    """

    version: ClassVar[int]
    memory_keys: ClassVar[frozenset[str]] = frozenset()
    later_keys: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    location_keys: ClassVar[frozenset[str]] = frozenset()

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """What a key knows beside the settings where a component does otherwise with such data than it once did.

        So keys of other data, with which nothing changed, stay as they are.

        Args:
            num_classes: K.
            image_shape: (C, H, W) of an image; (F, 1, 1) of a table's row.
        """
        return {}

    def check(self, chosen: Choices) -> None:
        """Hold the settings against the others' before anything is loaded or trained.

        Raises:
            UserError: they are not possible together.
            Incompatible: the components do not fit; in a sweep such a job is skipped.
        """
