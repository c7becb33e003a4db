"""The story of a trade for people, and as JSON for programs (pure)."""

from typing import Any

from rich.table import Table

from danbao.cli.format import (
    amount_text,
    money_text,
    plain_table,
    safe_text,
    short_type,
    time_text,
)
from danbao.cli.refusals import REFUSED, facts_text
from danbao.cli.trade_details import details_text
from danbao.cli.trade_money import outcomes, payments_table, settlement_table
from danbao.cli.trade_story import Happened, Story
from danbao.kernel.records import time_text as json_time

ENDED_BY = {
    "buyer": "buyer, who confirmed receipt",
    "timer": "timer: nobody objected in time",
    "cancelled": "cancelled before payment",
    "pay_timeout": "pay_timeout: not paid in time",
    "refunded": "refunded in full",
}


def story_tables(story: Story) -> list[Table]:
    """All tables that have something to show, in the order in which a person reads them."""
    tables = [_state(story), _events(story)]
    if any(event.postings for event in story.events):
        tables.append(_journal(story))
    if story.payments:
        tables.append(payments_table(story))
    if story.credits:
        tables.append(settlement_table(story))
    if story.timers:
        tables.append(_timers(story))
    if story.refusals:
        tables.append(_refusals(story))
    return tables


def story_json(story: Story) -> dict[str, Any]:
    """Give everything under stable names; amounts in minor units, times in RFC 3339."""
    return {
        "trade_id": story.trade_id,
        "behind": story.is_behind,
        "trade": _plain(story.trade) if story.trade is not None else None,
        "events": [_event_json(event) for event in story.events],
        "payments": [_plain(payment) for payment in outcomes(story)],
        "settlement_windows": [_plain(window) for window in story.windows.values()],
        "timers": [_plain(timer) for timer in story.timers],
        "refusals": [
            {"position": refusal.row.position} | refusal.data for refusal in story.refusals
        ],
    }


def _event_json(event: Happened) -> dict[str, Any]:
    cause = event.cause
    return {
        "position": event.row.position,
        "time": json_time(event.row.recorded_at),
        "stream": event.row.stream,
        "version": event.row.version,
        "type": event.row.type,
        "causation_id": event.row.causation_id,
        "cause": None
        if cause is None
        else {"type": cause.type, "actor": cause.actor, "position": cause.position},
        "data": event.data,
        "postings": event.postings,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json_time(value) if name.endswith("_at") and value is not None else value
        for name, value in row.items()
    }


def _state(story: Story) -> Table:
    """State, parties and money."""
    table = plain_table(f"Trade {story.trade_id}", "")
    trade = story.trade
    if trade is None:
        table.add_row("state", "the read model has not come to this trade yet")
        return table
    marks = ", frozen" if trade["frozen"] else ""
    table.add_row("state", trade["state"] + marks)
    if story.is_behind:
        table.add_row("", "the read model is behind the events below")
    if trade["ended_by"]:
        table.add_row("ended by", ENDED_BY.get(trade["ended_by"], trade["ended_by"]))
    table.add_row("title", safe_text(trade["title"]))
    table.add_row("buyer", trade["buyer"])
    table.add_row("seller", trade["seller"])
    for name in ("amount", "paid", "held", "released", "refunded"):
        table.add_row(name, money_text(trade[f"{name}_minor"], trade["currency"]))
    if trade["open_refund"]:
        table.add_row("open refund", trade["open_refund"])
    table.add_row("created", time_text(trade["created_at"]))
    return table


def _events(story: Story) -> Table:
    table = plain_table("position", "time", "event", "cause", title="Events", right=("position",))
    for event in story.events:
        when = time_text(event.row.recorded_at)
        cause = "" if event.cause is None else str(event.cause)
        name, details = short_type(event.row.type), details_text(event.row.type, event.data)
        table.add_row(str(event.row.position), when, name, cause)
        if details:
            table.add_row("", "", f"  {details}", "")
    return table


def _journal(story: Story) -> Table:
    columns = ("position", "from (debit)", "to (credit)", "amount", "currency")
    table = plain_table(*columns, title="Journal", right=("position", "amount"))
    for event in story.events:
        for posting in event.postings:
            amount = amount_text(posting["minor"], posting["currency"])
            place = str(event.row.position)
            table.add_row(place, posting["debit"], posting["credit"], amount, posting["currency"])
    return table


def _timers(story: Story) -> Table:
    table = plain_table("due", "command", title="Deadlines that run")
    for timer in story.timers:
        table.add_row(time_text(timer["due_at"]), short_type(timer["type"]))
    return table


def _refusals(story: Story) -> Table:
    columns = ("position", "command", "code", "facts")
    table = plain_table(*columns, title=REFUSED, right=("position",))
    for refusal in story.refusals:
        facts = facts_text(refusal.data["facts"])
        place = str(refusal.row.position)
        table.add_row(place, short_type(refusal.data["command_type"]), refusal.data["code"], facts)
    return table
