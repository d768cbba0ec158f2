"""Run directories are named by content: what was run in words, and a digest of the whole config."""

import hashlib
import json
import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

ELSEWHERE = ("hydra", "store", "runs", "runtime", "logger", "sweep_name", "dry_run", "fail_fast", "only", "objective")
"""Keys that say where or how, not what."""


def run_name(*, _root_: DictConfig) -> str:
    """The folder name of a job, such as "digits-lenet-rt-3-param_dot-youden-s0-1f0a3b7c".

    A resolver: `_root_` is the whole config. Equal settings give equal names, whatever the order of overrides,
    the device or the place of the store.
    """
    if missing := [group for group in GROUPS if not OmegaConf.is_dict(_root_.get(group))]:
        raise ValueError(f"a job needs {', '.join(missing)}: give each a value, such as unlearner=rt")
    content: dict[str, Any] = {}
    for key in sorted(str(key) for key in _root_ if key not in ELSEWHERE):
        node = _root_._get_node(key)
        content[key] = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else _root_[key]
    if isinstance(content["dataset"], dict) and content["dataset"].get("name", "") is None:
        del content["dataset"]["name"]  # names of folders are older than this setting
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]
    words = [str(content[group].get("_target_", "x.unknown.x")).split(".")[-2:][0] for group in GROUPS]
    classes = content.get("forget_classes")
    words.insert(3, ".".join(map(str, classes)) if isinstance(classes, list) else str(classes))
    parts = [re.sub(r"[^\w.]", "", word)[:40] for word in [*words, f"s{content.get('seed')}"]]
    return "-".join([*parts, digest])


GROUPS = ("dataset", "model", "unlearner", "attack", "screening")
