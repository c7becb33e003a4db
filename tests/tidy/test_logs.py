"""Log lines have the agreed keys and no others, so that one query finds them in every process."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tidy.checkout import PACKAGE, ROOT, listing, name_of

from danbao.kernel.logging import KEYS

LEVELS = {"debug", "info", "warning", "error"}
PAGE = ROOT / "docs" / "reference" / "logs-and-traces.md"


def log_calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every `log.info(…)` and its like."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)):
                    if level in LEVELS:
                        yield path, node


def test_there_are_log_lines() -> None:
    """The rules below bite."""
    assert len(list(log_calls())) > 20


def test_an_event_is_named_by_noun_and_past() -> None:
    """`batch.committed`: what, then what became of it; no sentences with numbers in them."""
    problems = [
        f"{name_of(path)}:{call.lineno}"
        for path, call in log_calls()
        if not (
            len(call.args) == 1
            and isinstance(call.args[0], ast.Constant)
            and re.fullmatch(r"[a-z]+\.[a-z_]+", str(call.args[0].value))
        )
    ]
    assert not problems, listing(problems, "name it noun.past, and give facts as keys")


def test_every_key_is_agreed() -> None:
    """One word for one thing, and nothing that must not be logged."""
    problems = [
        f"{name_of(path)}:{call.lineno}: {keyword.arg}"
        for path, call in log_calls()
        for keyword in call.keywords
        if keyword.arg not in {*KEYS, "exc_info"}
    ]
    assert not problems, listing(problems, "use a key of danbao.kernel.logging.KEYS, or add one")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_on_its_page(key: str) -> None:
    """Who reads a line can look it up."""
    assert f"| `{key}` | {KEYS[key]} |" in PAGE.read_text(encoding="utf-8")


def test_a_line_is_one_json_object_with_process_worker_and_time() -> None:
    """A collector needs no rules of its own."""
    program = (
        "import structlog; from danbao.kernel.logging import configure_logging;"
        "configure_logging(process='escrow', worker='2', level='info');"
        "log = structlog.get_logger(); log.debug('batch.committed');"
        "log.info('batch.retried', records=3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    [line] = done.stderr.splitlines()
    said = json.loads(line)
    assert said.keys() == {"event", "level", "timestamp", "process", "worker", "records"}
    assert (said["process"], said["worker"], said["level"]) == ("escrow", "2", "info")
