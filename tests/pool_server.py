"""The server process of a sweep's pool, forked from one that has imported torch and Lightning, not started anew.

All else is as it is: it is a child of the launching process, and the workers' parent. `tests/sweep/test_kills.py` and
the tests of `sweep/pool` have sweeps whose server imports for itself.
"""

import os
import re
import signal
import socket
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import util

NUMBERS = re.compile(r"^(from multiprocessing\.forkserver import main; main\()(\d+), (\d+), ")
Spawn = Callable[[str, Sequence[str], Sequence[int]], int]


def fork_when_started() -> None:
    """From now on, `multiprocessing` gets a fork of this process, as it is now, where it would start its server."""
    here, there = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        here.close()
        become_server(there)
    there.close()
    spawn = util.spawnv_passfds

    def forked(path: str, words: Sequence[str], files: Sequence[int]) -> int:
        nonlocal pid
        if not NUMBERS.match(words[-1]) or not pid:
            return spawn(path, words, files)  # the tracker of resources, or a second server
        socket.send_fds(here, [words[-1].encode()], list(files))
        here.close()
        server, pid = pid, 0
        return server

    util.spawnv_passfds = forked


def become_server(there: socket.socket) -> None:
    """Wait for the call of the server's main function and its two open files; never return."""
    code = 0
    try:
        call, (listener, alive), _, _ = socket.recv_fds(there, 2**20, 2)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        exec(NUMBERS.sub(rf"\g<1>{listener}, {alive}, ", call.decode()), {})
    except ValueError:  # the command has ended without a pool
        pass
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)
