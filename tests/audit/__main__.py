"""`python -m tests.audit`: audit an engine at rest; exit 0 when clean, 1 when not."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from .runner import audit


def main() -> int:
    """Read the arguments, audit, and say what was found."""
    arguments = _parser().parse_args()
    began = time.monotonic()
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
