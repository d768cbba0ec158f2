"""What only the server process imports from which workers are forked: see `pool.start_server`. It is imported first."""

import atexit
import ctypes
import os
import signal
from contextlib import suppress

from unlearnleak.sweep.memory import offer_this_process

PR_SET_PDEATHSIG = 1  # man 2 prctl

# It has nothing to close, and taking PyTorch apart would let it outlive a killed launcher by seconds. Workers leave by
# os._exit themselves and never come here.
atexit.register(os._exit, 0)

# While it imports PyTorch, it does not notice that its launcher is gone. Workers do not inherit this.
with suppress(AttributeError, OSError):  # Linux has it
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

# Before the launcher, which can tell what became of it; a worker goes before both.
offer_this_process()
