"""Messages: what a command and an event are, and the words that every message is built from.

A message is a frozen struct; decoding is strict: unknown fields, wrong types and numbers out of
range are errors that name the field.  The wire type follows from module and class name:
`escrow.CreateTrade` is `escrow.create_trade.v1`.
"""

import re
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Annotated, ClassVar

import msgspec

ID_CHARACTERS = "A-Za-z0-9._:-"

Id = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        pattern=f"^[{ID_CHARACTERS}]+(?!\\n)$",
        description="1 to 64 characters of A-Z a-z 0-9 . _ : -",
    ),
]
Text = Annotated[str, msgspec.Meta(max_length=256, description="at most 256 characters")]
Seconds = Annotated[
    int, msgspec.Meta(ge=1, le=5_184_000, description="whole seconds, at most 60 days")
]

_ID = re.compile(f"[{ID_CHARACTERS}]{{1,64}}")
_FIELD = re.compile(r"{(\w+)}")


def is_id(text: str) -> bool:
    """Tell whether a text may name an entity."""
    return _ID.fullmatch(text) is not None


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Anything that crosses a process border as the JSON of its fields."""

    VERSION: ClassVar[int] = 1


class Command(Message, frozen=True, kw_only=True):
    """A wish.  `KEY` names the field that must equal the record's partition key."""

    KEY: ClassVar[str] = ""


class Reaction(Message, frozen=True, kw_only=True):
    """A wish that one service derives from another service's event; it never crosses a border."""


class Timer(Command, frozen=True, kw_only=True):
    """A wish that a deadline sends; only the timer that the stream still expects takes effect."""

    generation: int

    @property
    def name(self) -> str:
        """Which of the stream's timers this is; with the generation it names one deadline."""
        return snake_case(type(self).__name__)


class Event(Message, frozen=True, kw_only=True):
    """A fact.  `STREAM` is the pattern of the stream it belongs to, such as `trade/{trade_id}`."""

    STREAM: ClassVar[str] = ""

    @property
    def stream(self) -> str:
        """The stream that this event is appended to."""
        pattern, fields = _stream_pattern(type(self))
        return pattern % fields(self)


@cache
def _stream_pattern(event: type[Event]) -> tuple[str, Callable[[Event], object]]:
    """The pattern of a stream's name, and what gives the fields that belong into it."""
    pattern, names = _FIELD.sub("%s", event.STREAM), _FIELD.findall(event.STREAM)
    return pattern, attrgetter(*names)


@cache
def snake_case(name: str) -> str:
    """`TradeCreated` becomes `trade_created`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@cache
def wire_type(message: type[Message]) -> str:
    """Name of a message on the wire, such as `escrow.create_trade.v1`."""
    service = message.__module__.rsplit(".", 1)[-1]
    return f"{service}.{snake_case(message.__name__)}.v{message.VERSION}"
