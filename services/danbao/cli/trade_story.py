"""Reads the whole story of one trade, from the log first: its flow holds all that happened."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from danbao.analysis.log_pages import last_position, read_events
from danbao.analysis.wanted import Wanted
from danbao.cli.format import short_type
from danbao.kernel.messages import LogRow
from danbao.kernel.sql import load_queries

CREDITED = "settlement.credit_recorded.v1"
REJECTED = ".command_rejected."

Q = load_queries("danbao.cli", "trade.sql")


@dataclass(frozen=True, slots=True)
class Cause:
    """What caused an event: a command, with who sent it, or an earlier event of the flow."""

    type: str
    actor: str | None = None
    position: int | None = None
    """Of the event; None stands for a command."""

    def __str__(self) -> str:
        """In a few words."""
        if self.position is not None:
            return f"event {self.position}"
        name = short_type(self.type)
        return f"{name} by {self.actor}" if self.actor else name


@dataclass(frozen=True, slots=True)
class Happened:
    """One event with its cause and its contents."""

    row: LogRow
    cause: Cause | None
    data: dict[str, Any]
    postings: list[dict[str, Any]]

    @property
    def is_refusal(self) -> bool:
        """Whether it refuses a command."""
        return REJECTED in self.row.type


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one trade."""

    trade_id: str
    trade: dict[str, Any] | None
    """The read model's row; None when it is not there yet."""
    is_behind: bool
    """Whether the read models have not come to the flow's last event yet."""
    events: list[Happened]
    payments: list[dict[str, Any]]
    timers: list[dict[str, Any]]
    windows: dict[str, dict[str, Any]]
    """The settlement windows that the trade is in, with their payouts, by id."""

    @property
    def refusals(self) -> list[Happened]:
        """The refused commands among the events."""
        return [event for event in self.events if event.is_refusal]

    @property
    def credits(self) -> list[dict[str, Any]]:
        """What settlement recorded for the seller."""
        return [event.data for event in self.events if event.row.type == CREDITED]

    @property
    def is_known(self) -> bool:
        """Whether the trade was ever created; a flow may hold refusals and payments only."""
        return any(event.row.stream == f"trade/{self.trade_id}" for event in self.events)


async def read_story(connection: asyncpg.Connection, trade_id: str) -> Story:
    """Read the flow, what caused it, and what the read models make of it."""
    head = await last_position(connection)
    rows = [row async for row in read_events(connection, Wanted(flow=trade_id), 0, head)]
    causes = await _causes(connection, rows)
    events = [_happened(row, causes.get(row.causation_id)) for row in rows]
    named = {event.data["payment_id"] for event in events if event.data.get("payment_id")}
    windows = sorted({event.data["window_id"] for event in events if event.row.type == CREDITED})
    checkpoint = await connection.fetchval(Q["checkpoint"])
    trade = await connection.fetchrow(Q["trade"], trade_id)
    return Story(
        trade_id=trade_id,
        trade=dict(trade) if trade is not None else None,
        is_behind=bool(rows) and (checkpoint or 0) < rows[-1].position,
        events=events,
        payments=[dict(row) for row in await connection.fetch(Q["payments"], sorted(named))],
        timers=[dict(row) for row in await connection.fetch(Q["timers"], trade_id)],
        windows={
            row["window_id"]: dict(row) for row in await connection.fetch(Q["windows"], windows)
        },
    )


async def _causes(connection: asyncpg.Connection, rows: list[LogRow]) -> dict[str, Cause]:
    """Find the cause of each event: in the flow itself, or among the commands."""
    causes = {row.event_id: Cause(row.type, position=row.position) for row in rows}
    ids = sorted({UUID(row.causation_id) for row in rows if row.causation_id not in causes})
    for command in await connection.fetch(Q["commands"], ids):
        causes[str(command["message_id"])] = Cause(command["type"], command["actor"])
    return causes


def _happened(row: LogRow, cause: Cause | None) -> Happened:
    """Open an event; an id reused with another body is told by the refusal, not by the inbox."""
    data = msgspec.json.decode(row.data)
    if REJECTED in row.type:
        cause = Cause(data["command_type"], row.actor)
    return Happened(row, cause, data, msgspec.json.decode(row.postings or "[]"))
