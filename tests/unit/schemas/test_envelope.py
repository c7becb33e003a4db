"""The envelope's schema is what the kernel reads and writes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from tests.unit.schemas.checkout import ROOT, validator

from danbao.kernel.commands import read_command
from danbao.kernel.messages import LogRow, Message, Record, TopicPartition
from danbao.kernel.records import event_headers
from danbao.schemas.envelope import envelope
from danbao.schemas.examples import FOLDER

COMMANDS = sorted((ROOT / FOLDER / "commands").rglob("*.json"))
ENVELOPE = envelope()
CAUSE = "019a3e52-4c00-7a10-8b3e-5d9c1f0a7b21"
ROW = LogRow(
    shard=0,
    position=17,
    stream="trade/T-1",
    version=2,
    type="escrow.trade_funded.v1",
    schema_version=1,
    partition_key="T-1",
    event_id="5e6b6c3e-8d0e-5b7a-9a51-7f0c3c1f2d44",
    causation_id=CAUSE,
    correlation_id=CAUSE,
    actor="buyer:B-7",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    recorded_at=datetime(2026, 11, 1, 8, tzinfo=UTC),
    data="{}",
    postings="[]",
)
LINE = {
    "id": CAUSE,
    "type": "escrow.create_trade.v1",
    "source": "shop-7",
    "partitionkey": "T-1",
    "data": {},
    "after": ["escrow.trade_funded.v1"],
    "actor": "buyer:B-7",
}


def is_valid(definition: str, value: object) -> bool:
    return validator(ENVELOPE["$defs"][definition]).is_valid(value)


def test_the_envelope_is_a_valid_schema() -> None:
    """Other programs can load it."""
    jsonschema.Draft202012Validator.check_schema(ENVELOPE)


def test_the_headers_that_the_relay_writes_are_those_of_the_schema() -> None:
    """A consumer that knows the schema knows every header, and finds all that are required."""
    headers = {name: value.decode() for name, value in event_headers(ROW, previous=0)}
    known = ENVELOPE["$defs"]["event_headers"]["properties"]

    assert set(headers) == set(known)
    assert is_valid("event_headers", headers)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: "/".join(path.parts[-2:]))
def test_an_example_command_is_taken_by_the_kernel(path: Path) -> None:
    """Who sends a record like the example gets an answer from a decider, not `invalid_command`."""
    example = json.loads(path.read_text(encoding="utf-8"))
    service = example["headers"]["ce_type"].split(".")[0]
    record = Record(
        place=TopicPartition(f"danbao.{service}.commands", 0),
        offset=0,
        key=example["key"].encode(),
        value=json.dumps(example["value"]).encode(),
        headers=[(name, text.encode()) for name, text in example["headers"].items()],
    )

    read = read_command(record, service, bytes_max=65_536)

    assert isinstance(read, Message)
    assert read.refusal is None
    assert len(read.wishes) == 1


def test_a_line_of_a_command_file_publishes_or_waits() -> None:
    """A line without a type only waits; one with a type needs all that a record needs."""
    assert is_valid("command_line", LINE)
    assert is_valid("command_line", {"partitionkey": "T-1", "after": LINE["after"]})
    assert not is_valid("command_line", {"partitionkey": "T-1", "type": LINE["type"]})
    assert not is_valid("command_line", LINE | {"afters": []})


def test_a_structured_command_carries_its_attributes_as_json() -> None:
    """CloudEvents' structured mode is the line of a file with a version of the specification."""
    command = {name: LINE[name] for name in ("id", "type", "source", "partitionkey", "data")}

    assert is_valid("structured_command", command | {"specversion": "1.0"})
    assert not is_valid("structured_command", command)
