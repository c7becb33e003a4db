"""What tests take from the engine is there, also in scripts and plugins that no other test runs."""

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def imported(file: Path) -> Iterator[tuple[str, str]]:
    """Give (module, name) of each import from the engine, wherever it stands."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "danbao":
            yield from ((str(node.module), each.name) for each in node.names)


def is_there(module: str, name: str) -> bool:
    """Tell whether a module has a name, or a module of that name in it."""
    if find_spec(module) is None:
        return False
    return hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None


def resolves(module: str, name: str) -> bool:
    """The same, when the module's package may be missing too."""
    try:
        return is_there(module, name)
    except ModuleNotFoundError:
        return False


def test_every_name_that_tests_import_from_the_engine_is_there() -> None:
    """A module that moved leaves scripts behind that only a long run would start."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 100
    lost = [
        f"{file.relative_to(ROOT)}: from {module} import {name}"
        for file in files
        for module, name in imported(file)
        if not resolves(module, name)
    ]
    assert not lost, "\n".join(lost)
