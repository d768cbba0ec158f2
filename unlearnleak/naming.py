"""Run directories are named by content: what was run in words, and a digest of the whole config."""

import hashlib
import json
from typing import Any

from omegaconf import DictConfig, OmegaConf

ELSEWHERE = ("hydra", "store", "runs", "runtime", "logger", "sweep_name")
"""Keys that say where or how, not what."""


def run_name(*, _root_: DictConfig) -> str:
    """The folder name of a job, such as "digits-lenet-rt-3-param_dot-youden-s0-1f0a3b7c".

    A resolver: `_root_` is the whole config. Equal settings give equal names, whatever the order of overrides, the device or
    the place of the store.
    """
    content: dict[str, Any] = {}
    for key in sorted(str(key) for key in _root_ if key not in ELSEWHERE):
        node = _root_._get_node(key)
        content[key] = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else _root_[key]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]
    words = [str(content[g].get("_target_", "x.unknown.x")).split(".")[-2:][0] for g in GROUPS if g in content]
    classes = content.get("forget_classes")
    what = ".".join(map(str, classes)) if isinstance(classes, list) else str(classes).replace(":", "")
    words.insert(3, what[:40])
    return "-".join([*words, f"s{content.get('seed')}", digest])


GROUPS = ("dataset", "model", "unlearner", "attack", "screening")
