"""Frozen examples: one record of every message and version, made once and never rewritten.

An example is a Kafka record as text: its key, its headers and its value.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from danbao.contracts import accounts, authorization, channel, escrow, risk, settlement
from danbao.contracts.catalogue import EVENTS, SERVICES, service_of
from danbao.contracts.message import Command, Event
from danbao.ledger.rules import postings_of
from danbao.schemas.document import Json, json_text
from danbao.schemas.messages import PUBLIC_COMMANDS, message_path, schema_id
from danbao.schemas.sample import BUYER, TRADE, sample

FOLDER: Final = "schemas/examples"

_STREAM_VERSIONS: Final[Mapping[type[Event], int]] = {
    accounts.AccountFrozen: 2,
    accounts.AccountUnfrozen: 3,
    accounts.PayoutBankSet: 2,
    accounts.TopUpSettled: 2,
    accounts.TopUpFailed: 2,
    authorization.PaymentCaptured: 2,
    authorization.PaymentDeclined: 2,
    escrow.TradeFunded: 2,
    escrow.TradeShipped: 3,
    escrow.ReceiptExtended: 4,
    escrow.TradeReleased: 4,
    escrow.RefundApplied: 4,
    escrow.TradeRefunded: 5,
    escrow.TradeClosed: 6,
    escrow.RefundRefused: 5,
    escrow.RefundCancelled: 5,
    escrow.TradeFrozen: 4,
    escrow.TradeUnfrozen: 5,
    channel.FundsReceived: 2,
    risk.ListEntryRemoved: 2,
    settlement.WindowClosed: 3,
    settlement.PayoutRequested: 4,
    settlement.PayoutPaid: 5,
    settlement.PayoutFailed: 5,
}
"""Where in its stream such an event may stand; the others begin theirs."""


def example_paths() -> dict[str, str]:
    """Wire type of each example that must exist, by its path below the repository's root."""
    commands = {f"{FOLDER}/{message_path('commands', name)}": name for name in PUBLIC_COMMANDS}
    events = {f"{FOLDER}/{message_path('events', name)}": name for name in EVENTS}
    return commands | events


def missing_examples(root: Path) -> list[str]:
    """Paths of the examples that do not exist yet."""
    return sorted(path for path in example_paths() if not (root / path).exists())


def make_example(message_type: str) -> str:
    """Make the text of an example; only ever for one that is missing."""
    if message_type in PUBLIC_COMMANDS:
        return json_text(_command_record(message_type))
    return json_text(_event_record(message_type))


def _command_record(message_type: str) -> Json:
    command: Command = sample(PUBLIC_COMMANDS[message_type])
    key = getattr(command, command.KEY)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": _id(f"command {message_type}"),
        "ce_type": message_type,
        "ce_source": "shop-7",
        "ce_time": "2026-11-01T08:00:00Z",
        "ce_partitionkey": key,
        "content-type": "application/json",
    }
    return {"key": key, "headers": headers, "value": msgspec.to_builtins(command)}


def _event_record(message_type: str) -> Json:
    event: Event = sample(EVENTS[message_type])
    service = service_of(message_type)
    key = _flow_of(event)
    cause = _id(f"cause of {message_type}")
    headers = {
        "ce_specversion": "1.0",
        "ce_id": _id(f"event {message_type}"),
        "ce_type": message_type,
        "ce_source": f"danbao/{service}",
        "ce_time": "2026-11-01T08:00:00.123456Z",
        "ce_partitionkey": key,
        "ce_subject": event.stream,
        "ce_shard": "0",
        "ce_sequence": str(1_000 + 100 * SERVICES.index(service)),
        "ce_prevsequence": str(990 + 100 * SERVICES.index(service)),
        "ce_causationid": cause,
        "ce_correlationid": cause,
        "ce_streamversion": str(_STREAM_VERSIONS.get(type(event), 1)),
        "ce_schemaversion": str(event.VERSION),
        "ce_dataschema": schema_id("events", message_type),
        "content-type": "application/json",
    }
    if postings := postings_of(event):
        headers["ce_postings"] = msgspec.json.encode(postings).decode()
    return {"key": key, "headers": headers, "value": msgspec.to_builtins(event)}


def _flow_of(event: Event) -> str:
    """The business flow that such an event would belong to."""
    names = ("trade_id", "account_id", "merchant", "policy", "value")
    found = next((name for name in names if hasattr(event, name)), None)
    if found is not None:
        return str(getattr(event, found))
    return BUYER if isinstance(event, channel.FundsReceived) else TRADE


def _id(name: str) -> str:
    """A UUID in the form of version 7, always the same for the same name."""
    digest = sha256(name.encode()).hexdigest()
    return f"019a3e52-4c00-7{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"
