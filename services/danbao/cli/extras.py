"""Commands that need more than the engine: Parquet, DuckDB and plots come with an extra."""

from collections.abc import Iterator
from contextlib import contextmanager

from danbao.cli.exits import WRONG_USE, fail

PACKAGES = ("duckdb", "jinja2", "matplotlib", "pyarrow")
"""What the extra `analysis` brings."""


@contextmanager
def analysis_extra() -> Iterator[None]:
    """Import within this; ends the command when the extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        fail(
            f"this command needs {error.name}, which is not installed",
            WRONG_USE,
            "Install it with `pip install 'danbao[analysis]'`, or use `make setup`.",
        )
