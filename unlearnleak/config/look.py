"""Looking for a class in a module's source without importing the module: an import runs whatever stands there."""

import ast
import importlib.util
from importlib.machinery import ModuleSpec, PathFinder


def find_module(name: str) -> ModuleSpec | None:
    """Where a module is, found without importing the packages that it lies in; None where it is not."""
    first, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(first)
    except (ImportError, ValueError):
        return None
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(f"{spec.name}.{part}", list(spec.submodule_search_locations))
    return spec


def names_class(spec: ModuleSpec, name: str) -> bool:
    """Whether a module's source defines or imports something called `name`; True where it has no source to look at."""
    source = getattr(spec.loader, "get_source", lambda module: None)(spec.name)
    if source is None:
        return True
    return any(name in bound(statement) for statement in ast.walk(ast.parse(source)))


def bound(statement: ast.AST) -> set[str]:
    """The names that a statement gives to classes, imports and plain assignments."""
    if isinstance(statement, ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.ImportFrom):
        return {alias.asname or alias.name for alias in statement.names}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()
