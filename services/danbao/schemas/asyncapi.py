"""AsyncAPI 3.0: topics, operations and messages in one document that tools can draw and check.

Seen from danbao: it receives commands and sends events.  All refs stay inside the document.
"""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from danbao.contracts.catalogue import EVENTS, SERVICES, service_of
from danbao.kernel.settings import Settings
from danbao.kernel.topics import commands_topic, declared_topics, events_topic
from danbao.schemas.document import Json, first_sentence
from danbao.schemas.envelope import command_headers, event_headers
from danbao.schemas.messages import PUBLIC_COMMANDS, command_schema, event_schema

KAFKA_BINDING: Final = "0.5.0"
_TOPIC_FIELDS: Final = ("cleanup.policy", "retention.ms", "max.message.bytes")


def asyncapi() -> Json:
    """Document `schemas/asyncapi.json`."""
    channels: Json = {}
    operations: Json = {}
    for service in SERVICES:
        channels[f"{service}.commands"] = _commands_channel(service)
        channels[f"{service}.events"] = _events_channel(service)
        operations[f"{service}.receive_commands"] = {
            "action": "receive",
            "summary": f"Decide commands of {service}; each id is answered once.",
            "channel": _ref("channels", f"{service}.commands"),
            "reply": {"channel": _ref("channels", f"{service}.events")},
        }
        operations[f"{service}.send_events"] = {
            "action": "send",
            "summary": f"Publish what {service} recorded, in the order of the log.",
            "channel": _ref("channels", f"{service}.events"),
        }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:danbao",
        "info": {
            "title": "danbao",
            "version": version("danbao"),
            "description": "An event-sourced payment engine with escrow at its heart.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": _messages(),
            "schemas": _schemas(),
        },
    }


def _server() -> Json:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "`danbao env` prints the address of the running engine.",
        "variables": {"bootstrap": {"default": "localhost:9092", "description": "host:port"}},
    }


def _commands_channel(service: str) -> Json:
    types = [name for name in PUBLIC_COMMANDS if service_of(name) == service]
    limit = Settings().command_bytes_max
    about = f"Commands of {service}, at most {limit} bytes each; the key is `partitionkey`."
    return _channel(commands_topic(service), about, types)


def _events_channel(service: str) -> Json:
    types = [name for name in EVENTS if service_of(name) == service]
    about = f"Events of {service}, kept for ever; in order for each `partitionkey`."
    return _channel(events_topic(service), about, types)


def _channel(topic: str, about: str, types: Iterable[str]) -> Json:
    settings = declared_topics()[topic]
    made = {name: settings[name] for name in _TOPIC_FIELDS}
    configuration: Json = {name: _number(text) for name, text in made.items()}
    configuration["cleanup.policy"] = [settings["cleanup.policy"]]
    return {
        "address": topic,
        "description": about,
        "messages": {name: _ref("components/messages", name) for name in types},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": Settings().partitions,
                "topicConfiguration": configuration,
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _number(text: str) -> object:
    return int(text) if text.lstrip("-").isdigit() else text


def _messages() -> Json:
    made: Json = {}
    for name, command in PUBLIC_COMMANDS.items():
        key = f"The field `{command.KEY}`, as UTF-8."
        made[name] = _message(name, command.__doc__, "command_headers", key)
    for name, event in EVENTS.items():
        key = "The `partitionkey` of what caused the event, as UTF-8."
        made[name] = _message(name, event.__doc__, "event_headers", key)
    return made


def _message(name: str, docstring: str | None, headers: str, key: str) -> Json:
    return {
        "name": name,
        "title": name,
        "summary": first_sentence(docstring),
        "contentType": "application/json",
        "headers": _ref("components/schemas", headers),
        "payload": _ref("components/schemas", name),
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": key},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _schemas() -> Json:
    """All schemas side by side; what several refer to stands once."""
    made: Json = {"command_headers": command_headers(), "event_headers": event_headers()}
    schemas = {name: command_schema(name) for name in PUBLIC_COMMANDS}
    schemas |= {name: event_schema(name) for name in EVENTS}
    for name, schema in schemas.items():
        body: Json = _rebased(schema)
        for shared, definition in body.pop("$defs", {}).items():
            assert made.setdefault(shared, definition) == definition, f"two schemas named {shared}"
        made[name] = {key: value for key, value in body.items() if key not in {"$schema", "$id"}}
    return made


def _rebased(value: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Point refs at the components instead of at the file's own definitions."""
    if isinstance(value, list):
        return [_rebased(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    made = {key: _rebased(inner) for key, inner in value.items()}
    if isinstance(made.get("$ref"), str):
        made["$ref"] = made["$ref"].replace("#/$defs/", "#/components/schemas/")
    return made


def _ref(*parts: str) -> Json:
    return {"$ref": "#/" + "/".join(parts)}
