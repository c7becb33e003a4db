"""From the log to tables: read a slice, project it for several models at once, write their rows.

A row is read only when a model asks for its type or its postings, and decoded once for all.
Who calls this holds the checkpoints of the tables, and moves them in the same transaction.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import asyncpg
import msgspec

from danbao.contracts.catalogue import EVENT_TYPES, EVENTS
from danbao.contracts.message import Event
from danbao.kernel.sql import load_queries
from danbao.ledger.posting import Posting
from danbao.readmodels.model import Change, Entry, Key, ReadModel

Q = load_queries("danbao.kernel", "projecting.sql")

Folded = dict[Key, Change]
"""One change for each row of one model."""

_postings = msgspec.json.Decoder(tuple[Posting, ...])


class Projection:
    """Several read models that are fed with the same slices of the log."""

    def __init__(self, models: tuple[ReadModel, ...]) -> None:
        self.models = models
        self.types = sorted({EVENT_TYPES[event] for model in models for event in model.events})
        self.reads_postings = any(model.postings for model in models)

    @staticmethod
    @cache
    def of(models: tuple[ReadModel, ...]) -> "Projection":
        """The projection of some models; few sets of them are ever asked for."""
        return Projection(models)

    @cached_property
    def _routes(self) -> Mapping[str, tuple[msgspec.json.Decoder[Event], tuple[int, ...]]]:
        """By type: how to decode it, and which models ask for it."""
        return {
            name: (
                msgspec.json.Decoder(EVENTS[name]),
                tuple(
                    place for place, model in enumerate(self.models) if EVENTS[name] in model.events
                ),
            )
            for name in self.types
        }

    @cached_property
    def _by_postings(self) -> tuple[int, ...]:
        return tuple(place for place, model in enumerate(self.models) if model.postings)

    async def read(
        self, connection: asyncpg.Connection, after: int, upto: int
    ) -> list[asyncpg.Record]:
        """Read what the models ask for, of positions above `after` up to `upto`."""
        name = "slice_with_postings" if self.reads_postings else "slice"
        rows: list[asyncpg.Record] = await connection.fetch(Q[name], after, upto, self.types)
        return rows

    def entries(self, rows: Iterable[asyncpg.Record]) -> Iterable[tuple[tuple[int, ...], Entry]]:
        """Decode rows; gives each with the places of the models that ask for it."""
        routes, by_postings = self._routes, self._by_postings
        for position, recorded_at, type_, data, postings in rows:
            found = () if postings is None or not by_postings else _postings.decode(postings)
            route = routes.get(type_)
            if route is None:
                yield by_postings, Entry(position, recorded_at, None, found)
                continue
            decoder, places = route
            asked = (*places, *by_postings) if found else places
            yield asked, Entry(position, recorded_at, decoder.decode(data), found)

    def fold(self, rows: Iterable[asyncpg.Record]) -> list[Folded]:
        """Project rows; gives what changes in the table of each model, in the models' order."""
        folded: list[Folded] = [{} for _ in self.models]
        projects = [model.project for model in self.models]
        for places, entry in self.entries(rows):
            for place in places:
                into = folded[place]
                for change in projects[place](entry):
                    known = into.get(change.key)
                    if known is None:
                        into[change.key] = change
                    else:
                        known.merge(change)
        return folded


async def feed(
    connection: asyncpg.Connection,
    tables: Sequence[tuple[str, ReadModel]],
    after: int,
    upto: int,
) -> int:
    """Bring tables of several models from one position to another; gives how many were written."""
    projection = Projection.of(tuple(model for _, model in tables))
    rows = await projection.read(connection, after, upto)
    written = 0
    for (table, model), changes in zip(tables, projection.fold(rows), strict=True):
        await write(connection, model, table, changes)
        written += bool(changes)
    return written


async def write(
    connection: asyncpg.Connection, model: ReadModel, table: str, changes: Folded
) -> None:
    """Write folded changes, one array a column; the table's name is quoted where it must be."""
    if not changes:
        return
    columns: list[list[Any]] = [list(column) for column in zip(*changes, strict=True)]
    every = list(changes.values())
    columns += [[change.sets.get(name) for change in every] for name in model.sets]
    columns += [[change.adds.get(name, 0) for change in every] for name in model.adds]
    await connection.execute(statement(model, "write", table), *columns)


@cache
def statement(model: ReadModel, name: str, table: str) -> str:
    """A query of a model's file, about another table than the one that it names."""
    queries = load_queries(model.package, model.sql or f"{model.name}.sql")
    return re.sub(rf"\bdanbao_read\.{model.name}\b", lambda _: table, queries[name])
