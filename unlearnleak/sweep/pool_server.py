"""What only the server process imports from which workers are forked: see `pool.preload`."""

import atexit
import os

# It has nothing to close, and taking PyTorch apart would let it outlive a killed launcher by seconds. Workers leave by
# os._exit themselves and never come here.
atexit.register(os._exit, 0)
