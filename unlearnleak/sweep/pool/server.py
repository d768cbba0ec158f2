"""What only the server process imports from which workers are forked: see `pool.start_server`. It is imported first."""

import atexit
import os
import signal

from unlearnleak.machine.memory import offer_this_process
from unlearnleak.machine.process import signal_at_parents_end

# It has nothing to close, and taking PyTorch apart would let it outlive a killed launcher by seconds. Workers leave by
# os._exit themselves and never come here.
atexit.register(os._exit, 0)

# While it imports PyTorch, it does not notice that its launcher is gone. Workers do not inherit this.
signal_at_parents_end(signal.SIGKILL)

# Before the launcher, which can tell what became of it; a worker goes before both.
offer_this_process()
