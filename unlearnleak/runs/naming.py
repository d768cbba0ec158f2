"""Run directories are named by content: what was run in words, and a digest of the whole config."""

import hashlib
import json
import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

from unlearnleak.config.schema import GROUPS

ELSEWHERE = ("hydra", "store", "runs", "runtime", "logger", "sweep_name", "dry_run", "fail_fast", "only", "objective")
"""Keys that say where or how, not what."""
OPTIONAL = ("defense", "evaluation")
"""Groups that a config from before them lacks."""
OWN_MODEL = ("own", "model", "model_args", "head", "mean", "std")
"""Settings of unlearner=imported that speak of a model that the file brings."""

USUAL_AUXILIARY = {"classes": "all", "per_class": None, "dataset": None, "balance": 1.0, "label_noise": 0.0}
"""An attacker who holds all auxiliary images of the data set."""
USUAL_ATTACK: dict[str, Any] = {"shadow_most": None, "hard_classes": 0}
"""Settings of attacks that came later than the names of folders, and the value that says what was before them."""


def lacking(config: DictConfig) -> str | None:
    """What keeps a config from being a job's, for people; None where each group has its settings."""
    for group in GROUPS:
        if isinstance(word := config.get(group), str):
            return (
                f"{group}: {word} is a word where settings should be, as a yaml file has it that sets a group and does "
                f"not choose it. Say {group}={word} on the command line, or {{{group}: {word}}} under "
                "hydra.sweeper.params"
            )
    if missing := [group for group in GROUPS if group not in OPTIONAL and not OmegaConf.is_dict(config.get(group))]:
        return f"a job needs {', '.join(missing)}: give each a value, such as unlearner=rt"
    return None


def run_name(*, _root_: DictConfig) -> str:
    """The folder name of a job, such as "digits-lenet-rt-3-param_dot-youden-s0-1f0a3b7c".

    A resolver: `_root_` is the whole config. Equal settings give equal names, whatever the order of overrides,
    the device or the place of the store.
    """
    if wrong := lacking(_root_):
        raise ValueError(wrong)
    content: dict[str, Any] = {}
    for key in sorted(str(key) for key in _root_ if key not in ELSEWHERE):
        node = _root_._get_node(key)
        content[key] = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else _root_[key]
    words = {group: word_of(content.get(group)) for group in GROUPS}
    if isinstance(target := content.get("target"), dict):
        words["model"] = str(target.get("model") or "own").rpartition("/")[2]
    classes = content.get("forget_classes")
    for beside, word in (("unlearner", words["defense"]), ("screening", words["evaluation"])):
        words[beside] += f"+{word}" if word != "none" else ""
    asked = ".".join(map(str, classes)) if isinstance(classes, list) else str(classes)
    asked += "" if content.get("forget_share", 1) == 1 else f"x{content['forget_share']}"
    leave_out_later(content)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]
    named = [*(words[group] for group in ("dataset", "model", "unlearner")), asked, words["attack"], words["screening"]]
    parts = [re.sub(r"[^\w.+]", "", word)[:40] for word in [*named, f"s{content.get('seed')}"]]
    return "-".join([*parts, digest])


def word_of(settings: Any) -> str:
    """A component's word on the command line; "none" where a config is older than its group."""
    if settings is None:
        return "none"
    return str(settings.get("_target_", "x.unknown.x")).split(".")[-2:][0]


def leave_out_later(content: dict[str, Any]) -> None:
    """Take out settings that came later than the names of folders, where they say what was the case before them."""
    for section, setting in (("dataset", "name"), ("dataset", "size"), ("unlearner", "ledger_classes")):
        if isinstance(content[section], dict) and content[section].get(setting, "") is None:
            del content[section][setting]
    if content.get("forget_share") == 1:
        del content["forget_share"]
    if content.get("forget_rows", "") is None:
        del content["forget_rows"]
    if isinstance(content.get("finetuning"), dict) and content["finetuning"].get("samples") == 0:
        del content["finetuning"]
    for section in ("training", "finetuning"):
        for name, usual in (("optimizer", "sgd"), ("augmentation", "none")):
            if isinstance(content.get(section), dict) and content[section].get(name) == usual:
                del content[section][name]
    leave_out_usual_attacker(content)
    for group in OPTIONAL:
        if word_of(content.get(group)) == "none":
            content.pop(group, None)
    if content.get("target", "") is None:
        del content["target"]
    if isinstance(content["unlearner"], dict) and content["unlearner"].get("own") is False:
        content["unlearner"] = {key: of for key, of in content["unlearner"].items() if key not in OWN_MODEL}


def leave_out_usual_attacker(content: dict[str, Any]) -> None:
    """Take out what says that an attacker holds all auxiliary images and attacks as it always did."""
    if content.get("auxiliary") == USUAL_AUXILIARY:
        del content["auxiliary"]
    if isinstance(content["attack"], dict):
        kept = {key: of for key, of in content["attack"].items() if key not in USUAL_ATTACK or of != USUAL_ATTACK[key]}
        content["attack"] = kept
