"""The store: a folder of artifacts, `root/<stage>/<key>/`, shared by any number of processes and hosts."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unlearnleak.errors import UserError
from unlearnleak.store.artifact import Artifact, Contents, DamageError, decode, encode
from unlearnleak.store.cleaning import LOCKS, STAGE, is_store, leftovers
from unlearnleak.store.disk import explained, identity, move, read_files, remove, write_files
from unlearnleak.store.key import key_of
from unlearnleak.store.lock import held
from unlearnleak.store.temporary import name_beside, temporary

log = logging.getLogger("unlearnleak.store")

_ATTEMPTS = 3  # to publish, each after a damaged artifact was taken away


class Store:
    """Artifacts under `root`, which is made when first needed and may be read-only for those who only read.

    Every method raises UserError where the disk is full, forbidden or failing, and ValueError for a stage
    that is not a lower-case word.
    """

    def __init__(self, root: str | Path) -> None:
        # Absolute, so that a later change of the working directory does not move the store.
        self.root = Path(root).expanduser().absolute()

    def get_or_compute(
        self, stage: str, payload: Mapping[str, Any], compute: Callable[[], Contents], *, wait: bool = True
    ) -> Artifact:
        """The artifact of `payload`, from the store or else computed and published.

        Whoever asks gets the same bits, whether it computes, waits for another process, or loses to it. That
        the store can be written is tried before the computation. What `compute` raises passes through.

        Raises:
            TypeError: the payload or the meta is not JSON, or a tensor is none; the message says which.
            Busy: another process computes it, and `wait` is false.
        """
        found = self.find(stage, payload)
        if found is not None:
            return found
        place = self._place(stage, payload)
        with explained(self.root), temporary(place):
            pass
        with held(self.lock(f"{stage}-{place.name}"), wait=wait):
            found = self.find(stage, payload)  # published while we waited
            if found is not None:
                return found
            log.debug("computing %s-%s", stage, place.name)
            artifact = self._publish(stage, place, encode(payload, compute()))
            log.debug("published %s-%s", stage, place.name)
            return artifact

    def find(self, stage: str, payload: Mapping[str, Any]) -> Artifact | None:
        """The artifact, every byte checked, or None. A damaged one is logged as a warning and removed."""
        with explained(self.root):
            return self._verified(stage, self._place(stage, payload))

    def contains(self, stage: str, payload: Mapping[str, Any]) -> bool:
        """Whether the artifact is published. Quick: its contents are not checked."""
        with explained(self.root):
            return self._place(stage, payload).is_dir()

    def lock(self, name: str) -> Path:
        """The lock file of that name, such as "original-<key>": see `unlearnleak.store.lock`."""
        return self.root / LOCKS / f"{name}.lock"

    def is_made(self) -> bool:
        """Whether `root` is a store already, told by what it holds."""
        with explained(self.root):
            return is_store(self.root)

    def clean(self, tell: Callable[[Path], None] = lambda path: None) -> list[Path]:
        """Remove the temporaries, locks and useless checkpoints that killed processes left, and return them.

        Published artifacts and what a live process holds stay; another host's temporaries go when a day old. Only
        what bears a name that the store gives is touched, and no link is followed. Each is told when it is gone.
        """
        removed = []
        with explained(self.root):
            for path in leftovers(self.root):
                removed.append(path)
                tell(path)
        return removed

    def _place(self, stage: str, payload: Mapping[str, Any]) -> Path:
        if not STAGE.fullmatch(stage):
            raise ValueError(f"stage={stage!r} is no lower-case word such as 'original': it names a folder.")
        return self.root / stage / key_of(payload)

    def _verified(self, stage: str, place: Path) -> Artifact | None:
        try:
            seen = identity(place)
        except FileNotFoundError:
            return None
        try:
            return decode(stage, place, read_files(place), hit=True)
        except FileNotFoundError:
            return None  # taken away while we read
        except DamageError as reason:
            log.warning("artifact %s is damaged and will be computed again: %s", place, reason)
            _take_away(place, seen)
            return None

    def _publish(self, stage: str, place: Path, files: Mapping[str, bytes]) -> Artifact:
        ours = decode(stage, place, files, hit=False)
        with explained(self.root), temporary(place) as folder:
            write_files(folder, files)
            for _ in range(_ATTEMPTS):
                if move(folder, place):
                    return ours
                theirs = self._verified(stage, place)  # another process was first
                if theirs is not None:
                    return theirs
        raise UserError(f"{place} is damaged and cannot be replaced: remove it and run the same command again.")


def _take_away(place: Path, seen: tuple[int, int]) -> None:
    """Remove the damaged artifact that was seen, but not a sound one that took its place meanwhile."""
    grave = name_beside(place)
    try:
        if identity(place) == seen:
            place.rename(grave)  # in one step, so that nobody meets half of it
            remove(grave)
    except FileNotFoundError:
        return  # another process was quicker
    except OSError as error:
        log.warning("the damaged artifact %s cannot be removed: %s", place, error)
