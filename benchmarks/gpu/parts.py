"""The parts of the benchmark, each in a process of its own: one that fails, or breaks CUDA, takes no other along."""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import torch

from benchmarks.gpu import attacks, compiled, schedule, several, steps
from benchmarks.gpu.rows import Row
from benchmarks.training import MODELS
from unlearnleak.machine.printable import first_line

PARTS = ("step", "streams", "vmap", "ledger", "processes", "attacks")
ASKED = ("compile", "literature")
"""Parts that are left out unless they are asked for."""
SECONDS, COMPILED = 225.0, 900.0
"""The most that all parts may take together, and where compilation is among them."""
USED_UP = "the time for all parts is used up (--seconds)"
Rows = Iterator[Callable[[], Row] | Row]


def rows_of(part: str, options: argparse.Namespace) -> Rows:
    """What a part measures; each is a function, so that one may fail and the next be tried."""
    device = torch.device(options.device)
    if part == "processes":
        yield from several.processes(multiprocessing.get_context("forkserver"), options.device)
    elif part == "streams":
        yield from several.rows(device)
    elif part == "vmap":
        for count in steps.VMAPPED:
            yield partial(steps.vmap_row, count, device)
    elif part == "literature":
        yield from schedule.rows(device)
    for name in options.model or MODELS:
        if part == "step":
            yield from steps.alone(name, device)
        elif part == "ledger":
            yield from steps.ledgers(name, device)
        elif part == "attacks":
            yield partial(attacks.features_row, name, device)
            yield from attacks.rows(name, device, options.attack_seconds)
        elif part == "compile":
            yield from compiled.rows(name, device)


def measure(part: str, options: argparse.Namespace, channel: Connection) -> None:
    """In a process of its own: send each row when it is there, and None at the end."""
    torch.set_num_threads(1)
    if part == "compile":  # what a first process takes, and not one that finds another's kernels on the disk
        torch.compiler.config.force_disable_caches = True
    if part != "attacks":
        steps.capture_always()
    for made in rows_of(part, options):
        try:
            row = made if isinstance(made, Row) else made()
        except Exception as error:
            row = Row(part, "", what(made), (), note=f"{type(error).__name__}: {first_line(error)}")
        channel.send(row)
    channel.send(None)
    channel.close()
    os._exit(0)  # a broken CUDA takes its time to leave


def what(made: Any) -> str:
    """A few words about a function that failed."""
    inner = made.func if isinstance(made, partial) else made
    given = (*getattr(made, "args", ()), *(getattr(made, "keywords", None) or {}).values(), *(inner.__defaults__ or ()))
    return " ".join(
        [inner.__qualname__.rpartition(".")[2], *(str(each) for each in given if isinstance(each, str | bool))]
    )


def seconds_for(parts: Sequence[str]) -> float:
    """How long these parts may take together."""
    return COMPILED if "compile" in parts else SECONDS


def rows_from(part: str, options: argparse.Namespace, deadline: float) -> Iterator[Row]:
    """The rows of a part's process as they come, until the deadline (of `time.monotonic`)."""
    if time.monotonic() >= deadline:
        yield Row(part, "", part, (), note=f"not reached: {USED_UP}")
        return
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=measure, args=(part, options, theirs))
    process.start()
    theirs.close()
    try:
        while ours.poll(max(0.0, deadline - time.monotonic())):
            row = ours.recv()
            if row is None:
                process.join(10)
                return
            yield row
        yield Row(part, "", part, (), note=f"stopped, and its other rows are not reached: {USED_UP}")
    except EOFError:
        yield Row(part, "", part, (), note="its process died")
    finally:
        process.kill()
