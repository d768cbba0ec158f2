"""Where the configuration lies."""

from pathlib import Path


def config_folder() -> str:
    """conf/ inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    candidates = [package / "conf", package.parent / "conf"]
    return str(next((folder for folder in candidates if folder.is_dir()), candidates[0]))
