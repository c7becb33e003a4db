"""Questions in SQL: DuckDB over the archive's files and over read models brought in by Arrow."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from danbao.archive.errors import ArchiveError
from danbao.archive.manifest import Manifest
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.archive", "views.sql")
EVENTS, JOURNAL = "events", "journal"
FROM_ARCHIVE = (EVENTS, JOURNAL)
"""Views that need no database."""
_OFFLINE: Mapping[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""DuckDB would fetch an extension that it does not know; ours come in its wheel."""


class QueryError(ArchiveError):
    """DuckDB does not understand, or cannot answer."""

    code = "query_refused"


def mentioned(sql: str, names: Iterable[str]) -> list[str]:
    """Tell which of the names a query speaks of; one too many costs time, and nothing else."""
    words = set(re.findall(r"\w+", sql.lower()))
    return [name for name in names if name in words]


class Questions:
    """A DuckDB of its own, in memory, with views ready."""

    def __init__(self) -> None:
        self._duck = duckdb.connect(":memory:", config=dict(_OFFLINE))
        self._duck.execute("SET TimeZone = 'UTC'")

    def open_archive(self, folder: Path, manifest: Manifest) -> None:
        """Make the views of the archive; only files that the manifest names are read."""
        files = [str(folder / file.path) for file in manifest.files]
        if not files:
            raise ArchiveError(f"the archive in {folder} is empty", todo="Run `danbao export`.")
        self._duck.read_parquet(files, hive_partitioning=True).create_view(EVENTS)
        self._duck.execute(Q["journal"])

    def add_model(self, name: str, table: pa.Table) -> None:
        """Make a read model a table."""
        self._duck.register(name, table)

    def ask(self, sql: str) -> pa.Table:
        """Give the answer; a statement that changes something answers with a count.

        Raises:
            QueryError: DuckDB's own words.
        """
        try:
            return self._duck.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(str(error)) from error

    def close(self) -> None:
        """Let go of everything."""
        self._duck.close()
