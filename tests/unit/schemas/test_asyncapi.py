"""The AsyncAPI document has the structure of AsyncAPI 3.0, and every topic and message."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from danbao.contracts.catalogue import EVENTS, SERVICES, service_of
from danbao.kernel.topics import declared_topics
from danbao.schemas.asyncapi import asyncapi
from danbao.schemas.messages import PUBLIC_COMMANDS

ROOT_FIELDS = {
    "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations",
    "components",
}  # fmt: skip
CHANNEL_FIELDS = {"address", "description", "messages", "bindings"}
OPERATION_FIELDS = {"action", "channel", "reply", "summary"}
MESSAGE_FIELDS = {
    "name", "title", "summary", "contentType", "headers", "payload", "correlationId", "bindings",
}  # fmt: skip
DOCUMENT = asyncapi()


def refs(value: object) -> Iterator[str]:
    """Every ref in the document."""
    if isinstance(value, list):
        for inner in value:
            yield from refs(inner)
    elif isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from refs(inner)


def resolve(ref: str) -> dict[str, Any]:
    """What a ref points at."""
    target: dict[str, Any] = DOCUMENT
    for part in ref.removeprefix("#/").split("/"):
        target = target[part]
    return target


def test_every_ref_resolves_within_the_document() -> None:
    """A tool needs this file and no other."""
    found = set(refs(DOCUMENT))

    assert found
    for ref in found:
        assert ref.startswith("#/"), ref
        assert isinstance(resolve(ref), dict), ref


def test_the_document_has_the_fields_of_asyncapi_3() -> None:
    """Tools refuse fields that the specification does not have."""
    assert set(DOCUMENT) == ROOT_FIELDS
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= set(server)


@pytest.mark.parametrize("kind", ["messages", "schemas"])
def test_component_names_are_allowed_ones(kind: str) -> None:
    """The specification allows letters, digits, dots, dashes and underscores."""
    for name in DOCUMENT["components"][kind]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_there_is_a_channel_for_each_topic_of_commands_and_events() -> None:
    """Topic, retention and clean-up are those that the engine makes topics with."""
    declared = declared_topics()
    channels = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}

    assert set(channels) == {topic for topic in declared if topic.count(".") == 2}
    for topic, channel in channels.items():
        assert set(channel) <= CHANNEL_FIELDS
        kafka = channel["bindings"]["kafka"]
        assert kafka["topic"] == topic
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["delete"]
        assert str(kafka["topicConfiguration"]["retention.ms"]) == declared[topic]["retention.ms"]


@pytest.mark.parametrize("service", SERVICES)
def test_commands_are_received_and_events_are_sent(service: str) -> None:
    """Seen from danbao; a client does the opposite."""
    receive = DOCUMENT["operations"][f"{service}.receive_commands"]
    send = DOCUMENT["operations"][f"{service}.send_events"]

    assert set(receive) | set(send) <= OPERATION_FIELDS
    assert (receive["action"], send["action"]) == ("receive", "send")
    assert resolve(receive["channel"]["$ref"])["address"] == f"danbao.{service}.commands"
    assert receive["reply"]["channel"] == send["channel"]
    assert resolve(send["channel"]["$ref"])["address"] == f"danbao.{service}.events"


def test_every_public_message_is_in_its_channel() -> None:
    """Timers are not: only the scheduler sends them."""
    for message_type in (*PUBLIC_COMMANDS, *EVENTS):
        family = "commands" if message_type in PUBLIC_COMMANDS else "events"
        channel = DOCUMENT["channels"][f"{service_of(message_type)}.{family}"]
        assert message_type in channel["messages"]
    assert set(DOCUMENT["components"]["messages"]) == {*PUBLIC_COMMANDS, *EVENTS}


def test_a_message_has_headers_payload_and_key() -> None:
    """The key of a record is part of the contract: it keeps a flow in order."""
    for name, message in DOCUMENT["components"]["messages"].items():
        assert set(message) <= MESSAGE_FIELDS
        assert message["name"] == name
        headers = resolve(message["headers"]["$ref"])
        assert headers["type"] == "object"
        assert "ce_partitionkey" in headers["required"]
        assert resolve(message["payload"]["$ref"])["type"] == "object"
        assert message["bindings"]["kafka"]["key"]["type"] == "string"


def test_payloads_are_schemas() -> None:
    """A payload can be checked with the document alone."""
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
