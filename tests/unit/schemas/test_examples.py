"""Frozen examples decode for ever, with the types of the code and with their schemas."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.schemas.checkout import ROOT, document, validator

from danbao.contracts.catalogue import COMMANDS, EVENTS
from danbao.contracts.message import Message
from danbao.schemas.examples import FOLDER, missing_examples
from danbao.schemas.messages import message_path

EXAMPLES = sorted((ROOT / FOLDER).rglob("*.json"))
TYPES: dict[str, type[Message]] = {**COMMANDS, **EVENTS}


def family(path: Path) -> str:
    return path.relative_to(ROOT / FOLDER).parts[0]


def read(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


@pytest.fixture(params=EXAMPLES, ids=lambda path: "/".join(path.parts[-3:]))
def example(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_message_has_an_example() -> None:
    """No message goes out whose form is not pinned down."""
    assert missing_examples(ROOT) == [], "run `make schemas`"


def test_an_example_decodes_with_the_types_of_the_code(example: Path) -> None:
    """What was once sent or recorded can always be read."""
    record = read(example)
    message_type = record["headers"]["ce_type"]

    decoded = msgspec.json.decode(msgspec.json.encode(record["value"]), type=TYPES[message_type])

    written = json.loads(msgspec.json.encode(decoded))
    assert {name: written[name] for name in record["value"]} == record["value"]


def test_an_example_fits_its_schema(example: Path) -> None:
    """What we publish about a message is true of it."""
    record = read(example)
    schema = document(message_path(family(example), record["headers"]["ce_type"]))

    validator(schema).validate(record["value"])


def test_an_example_has_the_headers_of_the_envelope(example: Path) -> None:
    """An example is a whole record, as a producer would send or a consumer would get it."""
    record = read(example)
    name = "command_headers" if family(example) == "commands" else "event_headers"
    headers = document("envelope.json")["$defs"][name]

    validator(headers).validate(record["headers"])
    assert record["key"] == record["headers"]["ce_partitionkey"]


def test_an_example_lies_where_its_type_says(example: Path) -> None:
    """An example is found by the name of its message."""
    message_type = read(example)["headers"]["ce_type"]

    assert example == ROOT / FOLDER / message_path(family(example), message_type)
