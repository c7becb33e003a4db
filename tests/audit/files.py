"""Command files and expected figures, as they lie on disk (contract.md, "Envelope")."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from .canonical import canonical
from .rows import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def read_lines(paths: Iterable[Path]) -> Iterator[Line]:
    """Yield the commands of some files; a line without a type publishes nothing."""
    for path in paths:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        for text in content.splitlines():
            line = json.loads(text)
            if "type" in line:
                yield _line(line)


def read_expected(path: Path) -> dict[str, Any]:
    """Read `expected.json`."""
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def files_beside(path: Path) -> list[Path]:
    """Return the command files that lie in the folder of an `expected.json`."""
    return sorted(path.parent.glob("*.jsonl*"))


def _line(line: dict[str, Any]) -> Line:
    """Make the body of a command: type, partitionkey, actor and data ("Answers")."""
    body = {
        "type": line["type"],
        "partitionkey": line["partitionkey"],
        "actor": line.get("actor"),
        "data": line["data"],
    }
    return Line(str(UUID(line["id"])), canonical(body))
