"""The schemas say yes and no as the engine does."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest
from tests.unit.schemas.checkout import validator

from danbao.contracts.catalogue import EVENTS, TIMERS
from danbao.contracts.message import wire_type
from danbao.schemas.messages import PUBLIC_COMMANDS, message_path, message_schemas
from danbao.schemas.sample import sample

SCHEMAS = message_schemas()
VALIDATORS = {path: validator(schema) for path, schema in SCHEMAS.items()}
COMMAND_TYPES = sorted(PUBLIC_COMMANDS)
MISSING = object()
ODD_VALUES = (
    MISSING, None, True, 0, 1, -1, 11, 10**15, 10**15 + 1, 1.5, "", "x", "漢", "a b",
    "x" * 64, "x" * 65, "x" * 256, "x" * 257, "II", "IV", "2026-11-01T08:00:00Z", [], {},
    {"minor": 1, "currency": "CNY"}, {"minor": 0, "currency": "CNY"}, {"minor": 1},
    {"minor": 10**15 + 1, "currency": "CNY"}, {"minor": 1, "currency": "cny"},
    {"minor": 1, "currency": "CNY", "extra": 1},
)  # fmt: skip


def takes(command_type: str, data: object) -> bool:
    """Whether the engine can decode the data."""
    try:
        msgspec.json.decode(msgspec.json.encode(data), type=PUBLIC_COMMANDS[command_type])
    except msgspec.ValidationError:
        return False
    return True


def fits(command_type: str, data: object) -> bool:
    """Whether the data fits its schema."""
    return VALIDATORS[message_path("commands", command_type)].is_valid(data)


def odd_data(command_type: str) -> Iterator[dict[str, Any]]:
    """The sample with one field replaced by each odd value, or missing."""
    command = PUBLIC_COMMANDS[command_type]
    good = msgspec.to_builtins(sample(command))
    for field in msgspec.structs.fields(command):
        for value in ODD_VALUES:
            data = dict(good) | {field.encode_name: value}
            if value is MISSING:
                del data[field.encode_name]
            yield data
    yield {**good, "no_such_field": 1}


def is_beyond_schemas(data: dict[str, Any]) -> bool:
    """Rules over two fields, which the README lists: a tier is a person's, a bank a merchant's."""
    kind = data.get("kind")
    tier_of_merchant = kind == "merchant" and data.get("tier") is not None
    return tier_of_merchant or (kind == "personal" and data.get("payout_bank") is not None)


@pytest.mark.parametrize("command_type", COMMAND_TYPES)
def test_a_schema_takes_exactly_what_the_engine_takes(command_type: str) -> None:
    """Who checks a command before sending it is not surprised by `invalid_command`."""
    differing = [
        data
        for data in odd_data(command_type)
        if fits(command_type, data) != takes(command_type, data) and not is_beyond_schemas(data)
    ]

    assert differing == []


@pytest.mark.parametrize("path", sorted(SCHEMAS))
def test_a_schema_is_valid_and_self_contained(path: str) -> None:
    """A schema can be used alone, in any language."""
    schema = SCHEMAS[path]

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "danbao:" + path.removesuffix(".json")
    assert all(ref.startswith("#/$defs/") for ref in values_of(schema, "$ref"))
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("path", sorted(SCHEMAS))
def test_every_object_is_closed(path: str) -> None:
    """A misspelt field is an error, never a field that is silently ignored."""
    schema = SCHEMAS[path]

    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False, part["title"]


@pytest.mark.parametrize("path", sorted(SCHEMAS))
def test_patterns_compile_without_look_around(path: str) -> None:
    """Go and Rust know no look-ahead; a schema must not shut them out."""
    assert not [pattern for pattern in values_of(SCHEMAS[path], "pattern") if "(?" in pattern]


def test_every_message_but_the_timers_has_a_schema() -> None:
    """Timers are sent by the scheduler alone; all else is public."""
    types = {schema["x-type"] for schema in SCHEMAS.values()}

    assert types == {*PUBLIC_COMMANDS, *EVENTS}
    assert not types & TIMERS


def test_the_partition_key_is_a_required_field() -> None:
    """A producer finds the key in the data, always."""
    for command in PUBLIC_COMMANDS.values():
        required = {field.name for field in msgspec.structs.fields(command) if field.required}
        assert command.KEY in required, wire_type(command)


def values_of(schema: object, name: str) -> list[str]:
    """All texts under a key, anywhere."""
    if isinstance(schema, list):
        return [found for part in schema for found in values_of(part, name)]
    if not isinstance(schema, dict):
        return []
    own = [schema[name]] if isinstance(schema.get(name), str) else []
    return own + [found for part in schema.values() for found in values_of(part, name)]
