"""What the tests share: a warm Python, digits and models trained on them (`tests/trained.py`), and which tests run.

The process that only hands tests to others imports this too, so what takes seconds to import is imported in fixtures.
"""

import os
import signal
from functools import partial

import matplotlib as mpl
import pytest

from tests.commandline import WarmPython

pytest_plugins = ["tests.choice"]

# A process with a home of its own would look through all fonts again, which takes seconds.
os.environ.setdefault("MPLCONFIGDIR", mpl.get_configdir())


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard():
    """A shell that starts the tests in the background has Ctrl-C ignored, and every child would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """The same sums in the same order on every machine, and no fight over cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """Run `python WORDS` in a process of its own, without the seconds of its imports."""
    with WarmPython(tmp_path_factory.mktemp("commandline")) as warm:
        yield warm


@pytest.fixture(scope="session")
def cli(python):
    """Run `python -m unlearnleak.run WORDS` so."""
    return partial(python, "-m", "unlearnleak.run")


@pytest.fixture(scope="session")
def digits(one_thread):
    from tests import trained

    return trained.digits()


@pytest.fixture(scope="session")
def fresh_lenet(digits):
    """Return a function that builds a LeNet for the digits, always with the same weights."""
    from tests import trained

    return partial(trained.fresh_lenet, digits)


@pytest.fixture(scope="session")
def original(digits):
    from tests import trained

    return trained.original(digits)


@pytest.fixture(scope="session")
def task_for(original, fresh_lenet):
    """Return a function that makes an unlearner's task, of whole classes unless `forget` says otherwise."""
    from tests import trained

    return trained.task_for(original, fresh_lenet)


@pytest.fixture(scope="session")
def unlearn(task_for):
    """Return a function that runs an unlearner as the pipeline does, and gives the unlearned model."""

    def run(unlearner, classes=(3,), **more):
        return unlearner.unlearn(task_for(unlearner, classes, **more))

    return run
