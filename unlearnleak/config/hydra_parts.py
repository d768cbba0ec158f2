"""The parts of Hydra that it keeps to itself and this project cannot do without: here and nowhere else.

A new version of Hydra may move or change them: this is the file to look at.
"""

import hydra._internal.hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

__all__ = ["BasicLauncher", "BasicSweeper", "ConfigLoaderImpl", "get_overrides_dirname", "use_loader"]


def use_loader(loader: type[ConfigLoaderImpl]) -> None:
    """Let Hydra's command line load configs by this class; it has no setting for it."""
    hydra._internal.hydra.ConfigLoaderImpl = loader  # type: ignore[attr-defined]
