"""Named queries: SQL lives in files, each query under `-- name: x`."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load_queries(package: str, file: str) -> dict[str, str]:
    """Load the queries of a file beside a module, by name."""
    text = (files(package) / file).read_text()
    parts = _NAME.split(text)[1:]
    return {
        name: body.strip().rstrip(";") for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
