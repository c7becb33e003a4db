"""A refusal for a broken field names that field, so that its sender can mend it."""

import json

import pytest

from danbao.contracts.rejection import RejectionCode
from danbao.kernel.commands import read_command
from danbao.kernel.messages import Message, Record, TopicPartition

ID = "019a0000-0000-7000-8000-000000000001"


def read(command_type: str, key: str, data: dict[str, object]) -> Message:
    """Read a command as its service would."""
    service = command_type.split(".", 1)[0]
    headers = [
        ("ce_id", ID.encode()),
        ("ce_type", command_type.encode()),
        ("ce_partitionkey", key.encode()),
    ]
    place = TopicPartition(f"danbao.{service}.commands", 0)
    message = read_command(
        Record(place, 0, key.encode(), json.dumps(data).encode(), headers), service, 65_536
    )
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    ("command_type", "key", "data", "field"),
    [
        ("settlement.close_window.v1", "M", {"merchant": "M", "currency": "ABC"}, "currency"),
        (
            "accounts.open_account.v1",
            "A",
            {"account_id": "A", "kind": "personal", "currency": "ABC"},
            "currency",
        ),
        (
            "accounts.open_account.v1",
            "A",
            {"account_id": "A", "kind": "merchant", "currency": "CNY", "tier": "I"},
            "tier",
        ),
        ("escrow.confirm_receipt.v1", "T", {"trade_id": "T", "extra": 1}, "extra"),
        ("escrow.confirm_receipt.v1", "T", {}, "trade_id"),
        ("escrow.extend_receipt.v1", "T", {"trade_id": "T", "days": 11}, "days"),
        ("escrow.confirm_receipt.v1", "other", {"trade_id": "T"}, "partitionkey"),
    ],
)
def test_the_broken_field_is_named(
    command_type: str, key: str, data: dict[str, object], field: str
) -> None:
    """Without the name a sender would have to guess."""
    message = read(command_type, key, data)

    assert message.refusal is not None
    assert message.refusal.code is RejectionCode.INVALID_COMMAND
    assert message.refusal.facts["field"] == field
