"""unlearnleak: what an unlearned classifier gives away about the class it forgot.

Read `pipeline/stages.py` first: it names the stages and what each one is keyed on. Every component (data set, model,
unlearner, attack, screening, logger) is one module in the folder of its kind and one file in conf/ of the same name.
Nothing heavy is imported here, so that `--help` and tab completion stay quick.
"""

__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    """`unlearnleak.audit`, found when it is first asked for: it needs PyTorch."""
    if name == "audit":
        from unlearnleak.auditing.audit import audit  # noqa: PLC0415

        return audit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
