"""Small files, small functions: each can be read in one sitting (style 4.2)."""

import ast
from typing import Final

from tests.tidy.checkout import PACKAGE, listing, name_of, python_files, tree_of

FILE_LINES_MAX: Final = 300
FUNCTION_LINES_MAX: Final = 60


def test_no_file_is_over_300_lines() -> None:
    """A file is one thought."""
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("services", "tests")
    }

    problems = [
        f"{name_of(path)}: {lines} lines"
        for path, lines in lengths.items()
        if lines > FILE_LINES_MAX
    ]
    assert not problems, listing(problems, "split the file by what it is about")


def test_no_function_is_over_60_lines() -> None:
    """A function does one thing."""
    problems = [
        f"{name_of(path)}:{node.lineno}: {node.name} has {lines} lines"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not problems, listing(problems, "give its parts names of their own")
