"""From a log row to an event: its texts read once, and checked against the contract.

Checks: `log.type`, `log.stream`, `log.data`, `log.fields`, `ledger.posting`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from .rows import Event, Posting, Row
from .shapes import OWNERS, SERVICES, SHAPES, Shape

if TYPE_CHECKING:
    from .report import Report

TYPE: Final = re.compile(rf"({'|'.join(SERVICES)})\.([a-z][a-z0-9]*(?:_[a-z0-9]+)*\.v[1-9]\d*)")
CURRENCY: Final = re.compile(r"[A-Z]{3}")
POSTING_FIELDS: Final = {"debit", "credit", "minor", "currency"}


def parse_event(row: Row, report: Report) -> Event:
    """Read a row's texts; what cannot be read is reported and leaves the event unsound."""
    service, name = _named(row, report)
    event = Event(row, service, name)
    facts = _json(row.data)
    if not isinstance(facts, dict):
        report.at(row, "log.data", "a JSON object", row.data)
        event.sound = False
        return event
    event.facts = facts
    shape = SHAPES.get(row.type)
    if shape is not None:
        fault = _fault(row, facts, shape)
        if fault:
            report.at(row, "log.fields", f"{row.type} as in the contract", fault)
            event.sound = False
    if row.postings is not None:
        _read_postings(event, report)
    return event


def _named(row: Row, report: Report) -> tuple[str, str]:
    """Split the type, and hold the stream's prefix against the service that owns it."""
    service, name = split_type(row.type)
    if not service:
        report.at(row, "log.type", "<service>.<noun_past>.v<n> of a known service", row.type)
    prefix, _, subject = row.stream.partition("/")
    owner = OWNERS.get(prefix)
    shape = SHAPES.get(row.type)
    if owner is None or not subject:
        report.at(row, "log.stream", f"one of {', '.join(OWNERS)} with an id", row.stream)
    elif owner not in ("", service):
        report.at(row, "log.stream", f"events of {owner} on {prefix}/", row.type)
    elif shape is not None and shape.prefix != prefix:
        report.at(row, "log.stream", f"{row.type} on {shape.prefix}/", row.stream)
    return service, name


@lru_cache(maxsize=4096)
def split_type(wire_type: str) -> tuple[str, str]:
    """Split `<service>.<name>.v<n>` into service and the rest; empty when it is none."""
    match = TYPE.fullmatch(wire_type)
    return (match[1], match[2]) if match else ("", "")


def _fault(row: Row, facts: dict[str, Any], shape: Shape) -> str:
    """Name the first field that is not as the contract has it, or nothing."""
    for field in shape.texts:
        if not isinstance(facts.get(field), str):
            return f"{field}={facts.get(field)!r}"
    for field in shape.amounts:
        if not is_money(facts.get(field), 1):
            return f"{field}={facts.get(field)!r}"
    for field in shape.sums:
        if not is_money(facts.get(field), 0):
            return f"{field}={facts.get(field)!r}"
    for field in shape.integers:
        if type(facts.get(field)) is not int:
            return f"{field}={facts.get(field)!r}"
    if shape.subject and row.stream.partition("/")[2] != facts[shape.subject]:
        return f"{shape.subject}={facts[shape.subject]!r} on stream {row.stream}"
    return ""


def is_money(value: object, least: int) -> bool:
    """Say whether a value is Money: an integer `minor` of at least `least`, a currency."""
    return (
        isinstance(value, dict)
        and len(value) == 2
        and type(value.get("minor")) is int
        and value["minor"] >= least
        and isinstance(value.get("currency"), str)
        and CURRENCY.fullmatch(value["currency"]) is not None
    )


def _read_postings(event: Event, report: Report) -> None:
    """Read `postings`: a non-empty array of four fields, amounts positive integers."""
    row = event.row
    listed = _json(row.postings or "")
    if not isinstance(listed, list) or not listed:
        report.at(row, "ledger.posting", "an array of postings, or SQL null", row.postings)
        event.sound = False
        return
    postings = []
    for one in listed:
        if not _is_posting(one):
            report.at(row, "ledger.posting", "debit, credit, minor > 0, currency", one)
            event.sound = False
            return
        postings.append(Posting(one["debit"], one["credit"], one["minor"], one["currency"]))
    event.postings = tuple(postings)


def _is_posting(one: object) -> bool:
    return (
        isinstance(one, dict)
        and one.keys() == POSTING_FIELDS
        and isinstance(one["debit"], str)
        and isinstance(one["credit"], str)
        and one["debit"] != one["credit"]
        and type(one["minor"]) is int
        and one["minor"] > 0
        and isinstance(one["currency"], str)
        and CURRENCY.fullmatch(one["currency"]) is not None
    )


def _json(text: str) -> object:
    """Read JSON, or return None: the caller reports what it wanted instead."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return value
