"""`python -m tests.audit`: audit an engine at rest.

Exit 0 when it is clean, 1 when it is not, 3 when Postgres or Kafka could not be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final

import asyncpg

from .runner import audit

UNREADABLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError)
"""What the drivers raise; the Kafka client's errors are RuntimeErrors."""


def main(words: list[str] | None = None) -> int:
    """Read the arguments, audit, and say what was found."""
    arguments = _parser().parse_args(words)
    began = time.monotonic()
    try:
        violations = asyncio.run(
            audit(
                arguments.dsn,
                arguments.bootstrap,
                arguments.expected,
                arguments.files,
                live=arguments.live,
                examples_max=arguments.examples,
            )
        )
    except UNREADABLE as error:
        sys.stderr.write(f"not audited: {type(error).__name__}: {error}\n")
        return 3
    if arguments.json:
        listed = [violation.as_json() for violation in violations]
        sys.stdout.write(json.dumps(listed, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{violation}\n" for violation in violations)
        checks = len({violation.check for violation in violations})
        verdict = f"{checks} checks failed" if checks else "clean"
        sys.stderr.write(f"{verdict}, {time.monotonic() - began:.1f} s\n")
    return 1 if violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("--dsn", required=True, help="the Postgres of the engine")
    parser.add_argument("--bootstrap", help="its Kafka, HOST:PORT; left out: tables only")
    parser.add_argument("--expected", type=Path, help="expected.json of a market day")
    parser.add_argument("--files", type=Path, nargs="*", help="the command files (default: beside)")
    parser.add_argument("--live", action="store_true", help="the engine is running, not idle")
    parser.add_argument("--examples", type=int, default=1, help="violations shown for each check")
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    return parser


if __name__ == "__main__":
    sys.exit(main())
