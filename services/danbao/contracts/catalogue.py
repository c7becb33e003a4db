"""Catalogue: every message that crosses a border, found in the contract modules by wire type."""

from collections.abc import Iterator
from types import ModuleType

from danbao.contracts import accounts, authorization, channel, escrow, risk, settlement
from danbao.contracts.message import Command, Event, Message, Timer, wire_type

MODULES: tuple[ModuleType, ...] = (accounts, authorization, channel, escrow, risk, settlement)
SERVICES: tuple[str, ...] = tuple(module.__name__.rsplit(".", 1)[-1] for module in MODULES)


def _messages(kind: type[Message]) -> Iterator[type[Message]]:
    """The leaf classes of a kind, in the order of their modules."""
    for module in MODULES:
        for value in vars(module).values():
            if not isinstance(value, type) or not issubclass(value, kind):
                continue
            if value.__module__ == module.__name__ and not value.__subclasses__():
                yield value


COMMANDS: dict[str, type[Command]] = {
    wire_type(message): message for message in _messages(Command) if issubclass(message, Command)
}
"""Commands by wire type, timers included."""

EVENTS: dict[str, type[Event]] = {
    wire_type(message): message for message in _messages(Event) if issubclass(message, Event)
}
"""Events by wire type, refusals included."""

EVENT_TYPES: dict[type[Event], str] = {message: name for name, message in EVENTS.items()}

TIMERS: frozenset[str] = frozenset(
    name for name, message in COMMANDS.items() if issubclass(message, Timer)
)
"""Wire types that only the scheduler sends."""


def service_of(message_type: str) -> str:
    """The service that a command goes to or an event comes from."""
    return message_type.split(".", 1)[0]
