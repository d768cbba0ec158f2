"""The artifact store: what a stage computed, kept under a key made of everything that determined it.

`folder.Store` is the store; `key` makes keys, `artifact` turns values into bytes and back, `disk` moves
bytes, `temporary` and `lock` deal with other processes. Published whole or not at all: an artifact is written
beside its place and renamed into it. Nothing here knows what the stages are; torch is imported when needed.
"""

from unlearnleak.store.artifact import Artifact, Contents
from unlearnleak.store.folder import Store
from unlearnleak.store.key import key_of
from unlearnleak.store.lock import Busy, held, is_held

__all__ = ["Artifact", "Busy", "Contents", "Store", "held", "is_held", "key_of"]
