"""The checkout that the tests lie in, its schemas, and how values are checked against them."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema

ROOT = Path(__file__).resolve().parents[3]
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_FORMATS = jsonschema.FormatChecker(formats=())


def document(path: str) -> dict[str, Any]:
    """A JSON file of `schemas/`."""
    made: dict[str, Any] = json.loads((ROOT / "schemas" / path).read_text(encoding="utf-8"))
    return made


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    """A validator that checks moments too; by itself `jsonschema` lets any text pass."""
    return jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(_RFC3339.fullmatch(value) and datetime.fromisoformat(value.upper()))
