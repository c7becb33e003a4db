"""Read models as of a position, in a schema of their own: the same code with a stop position.

The schema has a table `danbao_replay` that says how far each has come, moved together with its
rows, so that who was killed goes on.  A schema that holds anything else is never touched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from danbao.kernel.projecting import feed, statement
from danbao.kernel.sql import load_queries
from danbao.projections.errors import SchemaTakenError
from danbao.readmodels.model import ReadModel

Q = load_queries("danbao.projections", "scratch.sql")
ENGINE_SCHEMAS = ("danbao", "danbao_read", "danbao_models", "public", "information_schema")

Report = Callable[[int], None]
"""Takes the position that every read model has reached."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A schema that holds read models as of some position."""

    connection: asyncpg.Connection
    schema: str
    slice_max: int
    """Positions in one transaction."""

    async def prepare(self, models: Sequence[ReadModel], upto: int) -> int:
        """Make what is missing; gives the position from which there is something to do.

        Raises:
            SchemaTakenError: it holds something else, or has read models that do not fit.
        """
        if self.schema in ENGINE_SCHEMAS or self.schema.startswith("pg_"):
            raise SchemaTakenError(f"{self.schema} is not for this")
        async with self.connection.transaction():
            seen = await self.connection.fetchrow(Q["look"], self.schema)
            assert seen is not None
            if seen["is_used"] and not seen["is_ours"]:
                raise SchemaTakenError(f"schema {self.schema} holds something else")
            if not seen["is_ours"]:
                await self._run("make")
            incarnation: UUID = await self.connection.fetchval(Q["incarnation"])
            known = {row["name"]: row for row in await self._rows("known")}
            for model in models:
                row = known.get(model.name)
                if row is None:
                    await self._begin(model, incarnation)
                elif (row["version"], row["incarnation"]) != (model.version, incarnation):
                    raise SchemaTakenError(
                        f"{self.schema}.{model.name} is of another version or another log"
                    )
                elif row["checkpoint"] > upto:
                    raise SchemaTakenError(
                        f"{self.schema}.{model.name} is as of position {row['checkpoint']} already"
                    )
            at: dict[str, int] = {name: row["checkpoint"] for name, row in known.items()}
            start: int = min(at.get(model.name, 0) for model in models)
        return start

    async def build(self, models: Sequence[ReadModel], upto: int, report: Report) -> None:
        """Bring read models to a position, several together."""
        position = 0
        while position < upto:
            position = await self._slice(models, upto)
            report(position)
        await self.connection.execute(await self.connection.fetchval(Q["views"], self.schema, upto))

    async def _slice(self, models: Sequence[ReadModel], upto: int) -> int:
        """Bring those that are furthest behind a slice further; gives how far all have come."""
        async with self.connection.transaction():
            at = {row["name"]: row["checkpoint"] for row in await self._rows("known")}
            start = min(at[model.name] for model in models)
            above = [at[model.name] for model in models if at[model.name] > start]
            end: int = min([upto, start + self.slice_max, *above])
            first = [model for model in models if at[model.name] == start]
            if start < end:
                tables = [(await self._table(model), model) for model in first]
                await feed(self.connection, tables, start, end)
                await self._run("move", end, [model.name for model in first])
        return end

    async def _begin(self, model: ReadModel, incarnation: UUID) -> None:
        await self.connection.execute(statement(model, "create", await self._table(model)))
        await self._run("begin", model.name, model.version, incarnation)

    async def _table(self, model: ReadModel) -> str:
        """A model's table in the schema, quoted where it must be."""
        return str(await self.connection.fetchval(Q["quoted"], self.schema, model.name))

    async def _run(self, name: str, *arguments: object) -> None:
        text = await self.connection.fetchval(Q[name], self.schema)
        await self.connection.execute(text, *arguments)

    async def _rows(self, name: str) -> list[asyncpg.Record]:
        text = await self.connection.fetchval(Q[name], self.schema)
        rows: list[asyncpg.Record] = await self.connection.fetch(text)
        return rows
