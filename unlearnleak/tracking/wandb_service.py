"""What the W&B logger needs around a run: the library, lean settings, a key, and a service that may die.

The library hands every row to a background process, its service (`wandb-core`), which writes them to the
run's file. One service serves all runs of a process. It has a session of its own, so that neither Ctrl-C nor
a signal to the process group reaches it; a scheduler that signals every process of a job does, and it exits
at once.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from unlearnleak.errors import UserError

WAY_OUT = "Set WANDB_MODE=offline (no account, no network; `unlearnleak sync` uploads later) or use logger=none."

# Not wanted of W&B: output on the terminal, and what it finds out about the machine by itself (the summary
# names versions, revision and device). Of the time saved, nine tenths are the list of installed packages.
LEAN = {
    "silent": True,
    "console": "off",
    "disable_git": True,
    "disable_code": True,
    "use_dot_wandb": False,  # the folder is always called wandb
    "ignore_globs": (),  # WANDB_IGNORE_GLOBS would keep files of the run from the server
    "sagemaker_disable": True,  # else every run of a training job there has that job's name for its id
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}


def library() -> ModuleType:
    """The library itself, imported with the first run: it takes half a second."""
    import wandb  # noqa: PLC0415

    return wandb


def settings(**more: Any) -> Any:
    """W&B's settings: `LEAN` and `more`.

    Settings that begin with x_ are W&B's internal ones and may go with any version. One that has gone is left
    out: no result depends on it.
    """
    wandb = library()
    known = wandb.Settings.model_fields
    wanted = {key: value for key, value in (LEAN | more).items() if not key.startswith("x_") or key in known}
    return wandb.Settings(**wanted)


def has_key() -> bool:
    """Whether an API key is configured: in the environment, in `.netrc` or in W&B's own settings. Asks no server."""
    wandb = library()
    wandb.setup(settings=wandb.Settings(mode="online", silent=True))
    return bool(wandb.login(prompt=False, verify=False))


def require_key(what: str, way_out: str = "") -> None:
    """Refuse `what` where no API key is configured; W&B itself would ask for one, and a sweep has nobody to answer.

    Raises:
        UserError: there is no key, or one that cannot be.
    """
    try:
        there = has_key()
    except library().errors.AuthenticationError as error:
        raise UserError(f"{what} is not possible: {error} {way_out}".strip()) from error
    if not there:
        raise UserError(f"{what} needs an API key: run `wandb login`, or set WANDB_API_KEY. {way_out}".strip())


def forget_service() -> None:
    """Drop the connection to a service that has died, so that the process's next run starts a new one.

    The service may also be that of another process, named in the environment that this one was started with.
    """
    with suppress(ConnectionError):  # the drop begins with a farewell that nobody hears
        library().teardown()
    os.environ.pop("WANDB_SERVICE", None)


@contextmanager
def files_in(folder: Path) -> Iterator[None]:
    """Keep in `folder` what W&B would put into the home directory: staged tables and its service's log.

    The home directory may be read-only or full, and a run's folder should hold all of the run. Folders that
    the user has chosen (WANDB_CACHE_DIR, WANDB_DATA_DIR) stay chosen.
    """
    ours = [name for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR") if name not in os.environ]
    os.environ.update(dict.fromkeys(ours, str(folder)))
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]
