"""A merchant's statement (对账单): credits, windows and payouts of a stretch of the log."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from danbao.analysis.account_page import balance_at
from danbao.analysis.errors import NotThereError
from danbao.analysis.moments import Span
from danbao.contracts import settlement as m
from danbao.contracts.chart import merchant_available, merchant_pending
from danbao.contracts.message import Event
from danbao.kernel.events import decode_event
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.analysis", "statement.sql")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One event of the merchant's; amounts are minor units."""

    position: int
    recorded_at: datetime
    type: str
    reference: str
    """The trade, window or payout."""
    currency: str
    gross_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0
    """Credited, or settled by a window."""
    payout_minor: int = 0
    note: str = ""


@dataclass(slots=True)
class StatementTotal:
    """One currency of a statement."""

    currency: str
    pending_before_minor: int = 0
    available_before_minor: int = 0
    credits: int = 0
    gross_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0
    windows: int = 0
    settled_minor: int = 0
    paid_minor: int = 0
    failed_minor: int = 0
    pending_minor: int = 0
    available_minor: int = 0

    def add(self, line: StatementLine) -> None:
        """Count a line."""
        match line.type:
            case "credit":
                self.credits += 1
                self.gross_minor += line.gross_minor
                self.fee_minor += line.fee_minor
                self.net_minor += line.net_minor
            case "window":
                self.windows += 1
                self.settled_minor += line.net_minor
            case "payout_paid":
                self.paid_minor += line.payout_minor
            case "payout_failed":
                self.failed_minor += line.payout_minor
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines in the order of the log, and a total for each currency."""

    merchant: str
    span: Span
    lines: list[StatementLine] = field(default_factory=list)
    totals: list[StatementTotal] = field(default_factory=list)


def statement_line(position: int, at: datetime, event: Event) -> StatementLine | None:
    """What a merchant's event is on the statement; None for what moves nothing."""
    match event:
        case m.CreditRecorded():
            return StatementLine(
                position,
                at,
                "credit",
                event.trade_id,
                event.gross.currency,
                event.gross.minor,
                event.fee.minor,
                event.net.minor,
            )
        case m.WindowClosed():
            return StatementLine(
                position,
                at,
                "window",
                event.window_id,
                event.gross.currency,
                event.gross.minor,
                event.fee.minor,
                event.net.minor,
                note=f"{event.count} credits",
            )
        case m.PayoutRequested():
            return _payout(position, at, "payout_requested", event, event.payout_bank)
        case m.PayoutPaid():
            return _payout(position, at, "payout_paid", event)
        case m.PayoutFailed():
            return _payout(position, at, "payout_failed", event, event.reason)
        case _:
            return None


def total(lines: Iterable[StatementLine]) -> list[StatementTotal]:
    """Add the lines up in each currency."""
    totals: dict[str, StatementTotal] = {}
    for line in lines:
        totals.setdefault(line.currency, StatementTotal(line.currency)).add(line)
    return [totals[currency] for currency in sorted(totals)]


async def read_statement(connection: asyncpg.Connection, merchant: str, span: Span) -> Statement:
    """Read the statement of a stretch of the log.

    Raises:
        NotThereError: the merchant was never credited.
    """
    found = [line async for line in _lines(connection, merchant, span.upto)]
    if not found:
        raise NotThereError(
            f"merchant {merchant} has no credit, window or payout up to position {span.upto}"
        )
    lines = [line for line in found if line.position > span.after]
    totals = {each.currency: each for each in total(lines)}
    for currency in sorted({line.currency for line in found}):
        each = totals.setdefault(currency, StatementTotal(currency))
        pending, available = merchant_pending(merchant), merchant_available(merchant)
        for place, account in (("pending", pending), ("available", available)):
            before = await balance_at(connection, account, currency, span.after)
            after = await balance_at(connection, account, currency, span.upto)
            setattr(each, f"{place}_before_minor", before)
            setattr(each, f"{place}_minor", after)
    return Statement(merchant, span, lines, [totals[code] for code in sorted(totals)])


async def _lines(
    connection: asyncpg.Connection, merchant: str, upto: int
) -> AsyncIterator[StatementLine]:
    version = 0
    while rows := await connection.fetch(Q["page"], merchant, version, upto):
        for row in rows:
            event = decode_event(row["type"], row["data"])
            line = statement_line(row["position"], row["recorded_at"], event)
            if line is not None:
                yield line
        version = rows[-1]["version"]


def _payout(
    position: int,
    at: datetime,
    kind: str,
    event: m.PayoutRequested | m.PayoutPaid | m.PayoutFailed,
    note: str = "",
) -> StatementLine:
    return StatementLine(
        position,
        at,
        kind,
        event.payout_id,
        event.amount.currency,
        payout_minor=event.amount.minor,
        note=note,
    )
