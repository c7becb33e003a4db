"""Do the rows of a read model say what the log adds up to?

The log is folded in memory, the table is read in slices, each one short statement that also tells
how far the table had come at that instant; the fold is brought to the same position before they
are compared.  So it can be asked while the engine runs, and nothing waits for it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from danbao.kernel.builds import known_builds
from danbao.kernel.projecting import Projection
from danbao.kernel.sql import load_queries
from danbao.projections.errors import UnknownModelError
from danbao.readmodels.model import Key, ReadModel
from danbao.readmodels.models import READ_MODELS
from danbao.readmodels.rows import Difference, FoldedRows, Values

Q = load_queries("danbao.projections", "check.sql")
SLICE_POSITIONS = 5_000
SLICE_ROWS = 5_000
DIFFERENCES_MAX = 20

Report = Callable[[int], None]
"""Takes the position up to which the log is folded."""


@dataclass(slots=True)
class CheckedModel:
    """A read model against the log."""

    name: str
    version: int
    position: int = 0
    """Up to which the log was folded."""
    rows: int = 0
    """Compared."""
    wrong: int = 0
    """Rows that are not what they should be, lack or should not be there."""
    differences: list[Difference] = field(default_factory=list)
    """The first of them."""

    def compare(self, key: Key, expected: Values | None, found: Values | None) -> None:
        """Compare one row."""
        self.rows += 1
        if expected != found:
            self.wrong += 1
            if len(self.differences) < DIFFERENCES_MAX:
                self.differences.append(Difference(key, expected, found))


async def fold_log(
    connection: asyncpg.Connection,
    folded: Sequence[FoldedRows],
    upto: int,
    report: Report | None = None,
) -> None:
    """Fold the log on into the rows of several models, which all stand at one position."""
    projection = Projection.of(tuple(rows.model for rows in folded))
    position = folded[0].position
    while position < upto:
        end = min(upto, position + SLICE_POSITIONS)
        changes = projection.fold(await projection.read(connection, position, end))
        for rows, change in zip(folded, changes, strict=True):
            rows.apply(change)
            rows.position = end
        position = end
        if report is not None:
            report(position)


async def check_models(
    connection: asyncpg.Connection,
    models: Iterable[ReadModel] = READ_MODELS,
    report: Report | None = None,
) -> list[CheckedModel]:
    """Compare the live rows of read models with a fold of the log; several are folded at once.

    Models whose live version is another than the code's are left out.

    Raises:
        UnknownModelError: none of them is live in the code's version.
    """
    live = {build.key: build for build in await known_builds(connection) if build.state == "live"}
    asked = [model for model in models if (model.name, model.version) in live]
    if not asked:
        raise UnknownModelError("none of these read models is live in the version of this code")
    folded = [FoldedRows(model) for model in asked]
    first = min(live[model.name, model.version].checkpoint for model in asked)
    await fold_log(connection, folded, first, report)
    return [await _check(connection, rows) for rows in folded]


async def _check(connection: asyncpg.Connection, folded: FoldedRows) -> CheckedModel:
    model = folded.model
    checked = CheckedModel(model.name, model.version)
    statements = await connection.fetchrow(
        Q["statements"], model.name, list(model.columns), list(model.key), model.version
    )
    assert statements is not None
    seen: set[Key] = set()
    async for checkpoint, found in _slices(connection, statements["slice"], model):
        await fold_log(connection, [folded], checkpoint)
        for key, row in found.items():
            checked.compare(key, folded.row(key), row)
        seen.update(found)
    lacking = [key for key in folded.keys() if key not in seen]  # noqa: SIM118 - no mapping
    for start in range(0, len(lacking), SLICE_ROWS):
        keys = lacking[start : start + SLICE_ROWS]
        rows = await connection.fetch(statements["rows"], *map(list, zip(*keys, strict=True)))
        if rows:
            await fold_log(connection, [folded], _checkpoint(rows))
        found = _found(rows, model)
        for key in keys:
            checked.compare(key, folded.row(key), found.get(key))
    checked.position = folded.position
    return checked


async def _slices(
    connection: asyncpg.Connection, statement: str, model: ReadModel
) -> AsyncIterator[tuple[int, Mapping[Key, Values]]]:
    """Read a table by its key; gives its rows, and the checkpoint that they belong to."""
    last: list[str] | None = None
    while rows := await connection.fetch(statement, last, SLICE_ROWS):
        yield _checkpoint(rows), _found(rows, model)
        last = [rows[-1][name] for name in model.key]


def _checkpoint(rows: Sequence[asyncpg.Record]) -> int:
    """The checkpoint that rows belong to."""
    checkpoint: int | None = rows[0]["checkpoint"]
    if checkpoint is None:
        raise UnknownModelError("a new version took this read model's place meanwhile: ask again")
    return checkpoint


def _found(rows: Iterable[asyncpg.Record], model: ReadModel) -> dict[Key, Values]:
    """Rows by key: checkpoint first, then key, then the rest."""
    width = 1 + len(model.key)
    return {tuple(row)[1:width]: tuple(row)[width:] for row in rows}
