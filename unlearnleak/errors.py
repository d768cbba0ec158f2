"""The errors that are addressed to people: what was given, what is allowed, what to do about it."""


class UserError(Exception):
    """A mistake that its user can mend.

    The message is the whole help: it names the value, what is allowed and the way out. The command line prints it
    without a stack trace and ends with exit status 1; the run's log file keeps the trace.
    """


class Incompatible(UserError):
    """Components that cannot work together, such as a screening that cannot read the attack's evidence.

    Known before anything is trained. A single run is refused; in a sweep the job ends as `skipped`, not as a failure.
    """


class GpuFull(UserError):
    """A stage found too little memory on its GPU, perhaps because of other jobs there."""


class AccessDenied(RuntimeError):
    """An attack reached for something that its threat model does not grant, such as gradients of a black box."""


class Terminated(SystemExit):
    """SIGTERM: somebody ends the whole process, not only the job that it runs."""


def require(allowed: bool, setting: str, value: object, what: str) -> None:
    """Raises UserError, naming the setting, its value and what is possible, unless `allowed`."""
    if not allowed:
        raise UserError(f"{setting}={value} is not possible: {what}.")
