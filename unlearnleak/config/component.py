"""What every component has: a version, settings that no key sees, and a say before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Choices:
    """All that was chosen for a job: what one component may ask of the others.

    components: by group; of the model its class.
    names: their words on the command line, by group.
    training: how the original is trained, an `Optimization`.
    """

    components: Mapping[str, Any]
    names: Mapping[str, str]
    training: Any


class Component:
    """Something that a word on the command line chooses, such as `unlearner=rt`.

    Class attributes:
        version: raise it when the component's numbers change; what older versions stored is then not used.
        memory_keys: settings that bound memory and change nothing else, so that no key in the store holds them.
        location_keys: settings that say where something lies; what lies there is in the keys, not these.
    """

    version: ClassVar[int]
    memory_keys: ClassVar[frozenset[str]] = frozenset()
    location_keys: ClassVar[frozenset[str]] = frozenset()

    def check(self, chosen: Choices) -> None:
        """Hold the settings against the others' before anything is loaded or trained.

        Raises:
            UserError: they are not possible together.
            Incompatible: the components do not fit; in a sweep such a job is skipped.
        """
