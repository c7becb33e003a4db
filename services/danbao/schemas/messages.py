"""Schemas of commands and events: one file a type and version, named by its wire type."""

from typing import Final

from danbao.contracts.catalogue import COMMANDS, EVENTS, TIMERS, service_of
from danbao.contracts.message import Command, Event
from danbao.schemas.document import DIALECT, Json
from danbao.schemas.structs import struct_schema

PUBLIC_COMMANDS: Final[dict[str, type[Command]]] = {
    name: command for name, command in COMMANDS.items() if name not in TIMERS
}
"""The commands that others may send; timers are sent by the scheduler alone."""


def message_path(family: str, message_type: str) -> str:
    """Where a message's file stands below `schemas/`: `commands/escrow/create_trade.v1.json`."""
    service, _, name = message_type.partition(".")
    return f"{family}/{service}/{name}.json"


def schema_id(family: str, message_type: str) -> str:
    """Name of a message's schema, such as `danbao:events/escrow/trade_created.v1`."""
    return "danbao:" + message_path(family, message_type).removesuffix(".json")


def command_schema(message_type: str) -> Json:
    """Schema of the data of one command."""
    command = PUBLIC_COMMANDS[message_type]
    return struct_schema(command) | {
        "$schema": DIALECT,
        "$id": schema_id("commands", message_type),
        "x-partitionkey": command.KEY,
        "x-topic": f"danbao.{service_of(message_type)}.commands",
        "x-type": message_type,
    }


def event_schema(message_type: str) -> Json:
    """Schema of the data of one event."""
    event: type[Event] = EVENTS[message_type]
    return struct_schema(event) | {
        "$schema": DIALECT,
        "$id": schema_id("events", message_type),
        "x-stream": event.STREAM,
        "x-topic": f"danbao.{service_of(message_type)}.events",
        "x-type": message_type,
    }


def message_schemas() -> dict[str, Json]:
    """Every public schema by its path below `schemas/`."""
    commands = {message_path("commands", name): command_schema(name) for name in PUBLIC_COMMANDS}
    events = {message_path("events", name): event_schema(name) for name in EVENTS}
    return commands | events
