import subprocess
import sys
from pathlib import Path

import pytest

from tests.sweep.pool.test_launcher import gone

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = """
import subprocess, sys, time
server = "import unlearnleak.sweep.pool.server, time; print('ready', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has gone")
def test_a_server_that_is_busy_ends_with_its_launcher():
    """Also while it imports and reads nothing, which takes seconds."""
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    server = int(launcher.stdout.readline())
    launcher.kill()
    launcher.communicate()
    assert gone([server])
