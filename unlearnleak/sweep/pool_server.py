"""What only the server process imports from which workers are forked: see `pool.preload`."""

import atexit
import os

from unlearnleak.sweep.memory import offer_this_process

# It has nothing to close, and taking PyTorch apart would let it outlive a killed launcher by seconds. Workers leave by
# os._exit themselves and never come here.
atexit.register(os._exit, 0)

# Before the launcher, which can tell what became of it; a worker goes before both.
offer_this_process()
