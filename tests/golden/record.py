"""Write down the golden numbers of the installed releases, beside those of others: `python -m tests.golden.record`.

Only for a change that is meant to change numbers (say so in its commit), or for a release of PyTorch, NumPy or
scikit-learn that adds up in another way.
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
    """Where the numbers of an environment lie."""
    return FOLDER / f"{environment['machine']}-torch-{environment['torch']}.json"


def main() -> None:
    """Measure and write."""
    found = measured()
    path = file_of(found["environment"])
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(f"{len(found['jobs'])} jobs in {path}")


if __name__ == "__main__":
    main()
