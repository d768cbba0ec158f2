"""Write down the golden numbers, and with which releases they came out so: `python -m tests.golden.record`.

Only for a change that is meant to change numbers (say so in its commit), or for a new release of PyTorch, NumPy or
scikit-learn.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.golden.grid import PORTABLE

FOLDER = Path(__file__).parent / "numbers"


def measured() -> dict[str, Any]:
    """The numbers of this code, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "numbers.json"
        subprocess.run(
            [sys.executable, "-m", "tests.golden.grid", str(file)],
            env=os.environ | PORTABLE,
            cwd=Path(__file__).parents[2],
            check=True,
        )
        found: dict[str, Any] = json.loads(file.read_text())
        return found


def file_of(environment: dict[str, str]) -> Path:
    """Where the numbers of a kind of machine lie."""
    return FOLDER / f"{environment['machine']}-{environment['maker']}.json"


def main() -> None:
    """Measure and write: releases that give the same numbers stand beside each other, others take their place."""
    found = measured()
    environment = found.pop("environment")
    path = file_of(environment)
    before = json.loads(path.read_text()) if path.exists() else {}
    others = before["environments"] if before.get("jobs") == found["jobs"] else []
    environments = [*(each for each in others if each != environment), environment]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"environments": environments, **found}, indent=1, sort_keys=True) + "\n")
    print(f"{len(found['jobs'])} jobs in {path}, the same of {len(environments)} environments")


if __name__ == "__main__":
    main()
