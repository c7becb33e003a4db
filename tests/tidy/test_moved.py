"""What tests take from the engine is there, also in scripts and plugins that no other test runs."""

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from tests.tidy.checkout import listing, name_of, python_files, tree_of


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Give (module, name) of each import from the engine, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "danbao":
            yield from ((str(node.module), each.name) for each in node.names)


def is_there(module: str, name: str) -> bool:
    """Tell whether a module has a name, or a module of that name in it."""
    try:
        return hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None
    except ModuleNotFoundError:
        return False


def test_every_name_that_tests_import_from_the_engine_is_there() -> None:
    """A module that moves leaves scripts behind that only a long run would start."""
    problems = [
        f"{name_of(path)}: from {module} import {name}"
        for path in python_files("tests")
        for module, name in imported(tree_of(path))
        if not is_there(module, name)
    ]
    assert not problems, listing(problems, "import it from where it is now")
