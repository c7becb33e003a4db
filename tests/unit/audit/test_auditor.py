"""The auditor itself: independent, silent about a good history, without a blind check."""

from __future__ import annotations

import ast
import asyncio
import importlib
import re
import sys
from pathlib import Path

import pytest
from tests import audit as package
from tests.audit.__main__ import main
from tests.audit.runner import Audit, run
from tests.audit.tables import MemoryTables
from tests.unit.audit.figures import good_history
from tests.unit.audit.forgery import Register, flagged

AUDIT = Path(package.__file__ or "").parent
CHECK = re.compile(
    r"^(?:log|ledger|trade|payment|top_up|account|decision|settlement|rest|cause|answers|kafka"
    r"|offsets|timers)"
    r"\.[a-z0-9_]+$"
)
TESTS = ("log", "ledger", "trades", "flows", "answers", "topics", "models", "progress")
MAY_IMPORT = {"aiokafka", "asyncpg"}


def test_the_auditor_shares_no_code_with_the_engine() -> None:
    """A judge that borrows the engine's code repeats the engine's mistakes."""
    roots = {name.split(".")[0] for path in AUDIT.glob("*.py") for name in _imported(path)}

    assert roots - set(sys.stdlib_module_names) <= MAY_IMPORT


def test_a_good_history_is_clean() -> None:
    """Every check runs on it, and none speaks."""
    assert flagged(good_history()) == set()


def test_an_empty_engine_is_clean() -> None:
    """Nothing happened, so nothing is wrong."""
    assert asyncio.run(run(MemoryTables())).counts == {}


def test_a_running_engine_is_not_blamed_for_what_is_under_way() -> None:
    """Cut at any position, a good history is a good history that goes on."""
    for size in range(1, len(good_history().rows)):
        history = good_history()
        del history.rows[size:]
        history.tables.inbox_rows[:] = [
            row for row in history.tables.inbox_rows if (row.first_position or 0) <= size
        ]
        for row in history.tables.inbox_rows:
            row.last_position = min(row.last_position or 0, size)
        history.seal()
        history.topics.kept = history.topics.kept[: size // 2]
        history.read_on()
        report = asyncio.run(run(history.tables, history.topics, live=True))

        assert report.counts == {}, size


def test_an_engine_that_cannot_be_read_is_not_called_clean_nor_guilty() -> None:
    """A script can tell "violated" from "not audited"."""
    assert main(["--dsn", "postgresql://nobody@127.0.0.1:1/nothing"]) == 3


def test_the_first_violation_is_named_and_the_others_counted() -> None:
    """A report says where to look, and how much there is to see."""
    history = good_history()
    for row in history.rows[10:20]:
        row.row_hash = bytes(32)
    audit = Audit(history.tables)
    asyncio.run(audit.log())
    (violation,) = audit.report.violations()

    assert (violation.check, violation.times) == ("log.row_hash", 10)
    assert (violation.position, violation.stream) == (11, history.rows[10].stream)
    assert "position 11" in str(violation)
    assert str(violation).endswith("(10 in all)")


def test_every_check_has_a_forgery_that_trips_it() -> None:
    """A check that no bad history trips may be blind."""
    known = {
        node.value
        for path in AUDIT.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CHECK.fullmatch(node.value)
    }
    forgeries = [forgery for name in TESTS for forgery in _register(name)]
    tripped = {forgery.check for forgery in forgeries}

    assert known - tripped == set()
    assert len(forgeries) >= 50


def _imported(path: Path) -> list[str]:
    """List the modules a file imports, those named to `import_module` too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(module), level=0):
                names.append(module)
            case ast.ImportFrom(level=level):
                assert level == 1, f"{path} reaches out of its package"
            case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name))]):
                names.append(name)
            case ast.Call(func=ast.Name(id="import_module" | "__import__" | "exec" | "eval")):
                pytest.fail(f"{path} imports what cannot be seen")
            case _:
                pass
    return names


def _register(name: str) -> Register:
    module = importlib.import_module(f"tests.unit.audit.test_{name}")
    register: Register = module.register
    return register
