"""The log's head row is never held for longer than one plain statement (architecture 6, step 7)."""

import re
from typing import Final

from tests.tidy.checkout import PACKAGE, listing, name_of

FORBIDDEN: Final = re.compile(r"\bCOPY\b|copy_records_to_table|copy_to_table")


def test_the_kernel_never_copies_into_a_table() -> None:
    """A worker frozen in COPY is beyond every server timeout, and stops all others."""
    problems = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in sorted((PACKAGE / "kernel").rglob("*"))
        if path.suffix in {".py", ".sql"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]
    assert not problems, listing(problems, "write arrays in one statement: INSERT ... FROM unnest")
