"""What the JSON of an exported program may say: operators that compute, names that are names, sizes of arithmetic."""

import json
import re
from typing import Any

OPERATORS = re.compile(
    r"torch\.ops\.(aten|prims|torchvision)\.(__(and|or|xor|lshift|rshift)__|(?!__)\w+)\.(?!_)\w+"
    r"|torch\.ops\.higher_order\.wrap_with_(set_grad_enabled|autocast)"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|eq|ne|lt|le|gt|ge|and_|or_)"
    r"|torch\.sym_(max|min|int|float|not|ite|sum)|math\.(trunc|ceil|floor|sqrt)"
)
TOUCHING = re.compile(r"file|record_stream|set_data|set_\.|_print|_test|resize|storage")
"""Parts of the names of operators that reach outside of their tensors."""
NAME = re.compile(r"[\w.:+-]{0,300}")
NODE_NAME = re.compile(r"\w{0,300}")
SHAPE_WORDS = frozenset(
    (
        *("Symbol", "Integer", "Add", "Mul", "Max", "Min", "Mod", "PythonMod", "ModularIndexing", "Where"),
        *("FloorDiv", "CeilDiv", "CleanDiv", "IntTrueDiv", "TruncToInt", "FloorToInt", "CeilToInt", "RoundToInt"),
        *("ToFloat", "Equality", "Unequality", "StrictLessThan", "LessThan", "StrictGreaterThan", "GreaterThan"),
        *("And", "Or", "Not", "true", "false", "True", "False", "integer", "real", "zero", "even", "odd"),
        *("positive", "negative", "nonnegative", "nonzero"),
    )
)
"""What expressions of sizes are made of; powers are left out, since a short one can be a number without end."""
SYMBOL = re.compile(r"[suz]\d+")
TOKEN = re.compile(r"\s*([A-Za-z]\w*|\d{1,18}(?!\d)|'[a-z]+\d*'|[()=,+*-])")
LONGEST_EXPRESSION, LONGEST_TEXT = 1000, 300
CPU = {"type": "cpu", "index": None}
CONTAINERS = (None, "builtins.tuple", "builtins.list", "builtins.dict")


class UnsafeError(Exception):
    """Something in the archive is not allowed; the text says what, for people."""


def check_program(program: dict[str, Any]) -> None:
    """Takes guards, traces and remarks out of the program, brings it to the CPU, and checks all the rest.

    Raises:
        UnsafeError: something is not.
    """
    program["guards_code"] = []
    _check("program", program)


def _check(key: str, value: Any) -> None:
    if isinstance(value, dict):
        if "metadata" in value:
            value["metadata"] = {}
        if value.keys() == CPU.keys():  # where it was exported
            value.update(CPU)
        for name, inner in value.items():
            if not NAME.fullmatch(name):
                raise UnsafeError(f"it holds the name {name[:60]!r}")
            _check(name, inner)
    elif isinstance(value, list):
        for inner in value:
            _check(key, inner)
    elif isinstance(value, str):
        _check_text(key, value)


def _check_text(key: str, text: str) -> None:
    if key == "target":
        if not OPERATORS.fullmatch(text) or TOUCHING.search(text):
            raise UnsafeError(f"its graph calls {text[:80]!r}, which is no operator on tensors that is allowed here")
    elif key == "expr_str":
        _check_expression(text)
    elif key in ("in_spec", "out_spec"):
        _check_container(json.loads(text)[1])
    elif key in ("as_string", "as_strings"):
        if len(text) > LONGEST_TEXT or not text.isprintable():
            raise UnsafeError(f"its graph holds the text {text[:60]!r}")
    elif not (NODE_NAME if key in ("name", "forward_arg_names") else NAME).fullmatch(text):
        raise UnsafeError(f"it holds the name {text[:60]!r}")


def _check_expression(text: str) -> None:
    """A size as torch.export writes it, such as "Mul(Integer(8), Symbol('s77', positive=True, integer=True))"."""
    at = 0
    while at < len(text):
        token = TOKEN.match(text, at)
        word = "" if token is None else token[1]
        named = word[:1].isalpha() and not (word in SHAPE_WORDS or SYMBOL.fullmatch(word))
        if token is None or named or len(text) > LONGEST_EXPRESSION or text[token.start(1) :].startswith("**"):
            raise UnsafeError(f"it computes a size by {text[:80]!r}")
        at = token.end()


def _check_container(spec: dict[str, Any]) -> None:
    """How inputs and outputs are nested: in tuples, lists and dictionaries of plain names."""
    context = spec["context"]
    named = json.loads(context) if isinstance(context, str) else context
    plain = named is None or (isinstance(named, list) and all(isinstance(each, str) for each in named))
    if spec["type"] not in CONTAINERS or not plain:
        raise UnsafeError(f"its inputs or outputs are {str(spec['type'])[:60]!r}")
    for child in spec["children_spec"]:
        _check_container(child)
