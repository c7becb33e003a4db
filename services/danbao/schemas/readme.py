# ruff: noqa: E501 - sentences and tables of Markdown are not broken
"""`schemas/README.md`: what lies in the folder, and what a schema cannot say."""

from danbao.contracts.catalogue import EVENTS
from danbao.schemas.document import first_sentence
from danbao.schemas.messages import PUBLIC_COMMANDS, message_path
from danbao.schemas.states.table import markdown

_HEAD = """\
<!-- Made by `make schemas` from the code; do not edit. -->

# Schemas

What crosses a border of danbao, generated from the types that the engine itself decodes with.
`make schemas` makes everything anew but `examples/`; `make check` fails when a file differs from the code.

| file | what it says |
| --- | --- |
| `commands/<service>/<verb_noun>.v1.json` | data of a command (JSON Schema 2020-12, self-contained) |
| `events/<service>/<noun_past>.v1.json` | data of an event |
| `envelope.json` | headers of commands and events, structured mode, lines of command files |
| `codes.json` | refusal, decline and return codes: meaning, advice, and which command may answer which |
| `policies.json` | policies: what a body may say, and the defaults |
| `currencies.json` | currencies that amounts may name, with the digits of their minor unit |
| `asyncapi.json` | all of it as AsyncAPI 3.0: topics, operations, messages |
| `examples/` | one frozen record of every message and version; each must decode for ever |

## How to read them

- `$id` is the schema's name; an event carries it in the header `ce_dataschema`.
- `x-type` is the wire type, `x-topic` the topic, `x-partitionkey` the field that must equal the record's key, `x-stream` the stream an event belongs to.
- Within a version, optional fields may be added; nothing is renamed or dropped.
  An incompatible change is a new version beside the old one.
- A reader of events should ignore fields it does not know; the engine refuses unknown fields in commands.
- In `codes.json`, `refusals` of a command are found by running its decider in every state; they are in the order of the code.

## What a schema cannot say

The engine also answers `invalid_command` when

- the record's key is not the field named by `x-partitionkey`,
- a currency fits the pattern, but ISO 4217 does not list it (`currencies.json`),
- an amount is written `12.0`, which JSON Schema takes for an integer,
- an object has a key twice, or a text holds U+0000 or half a surrogate pair,
- `open_account` gives a `tier` to a merchant or a `payout_bank` to a person.
"""


def readme() -> str:
    """Document `schemas/README.md`."""
    commands = [
        (f"[{name}]({message_path('commands', name)})", f"`{command.KEY}`", _about(command))
        for name, command in PUBLIC_COMMANDS.items()
    ]
    events = [
        (f"[{name}]({message_path('events', name)})", f"`{event.STREAM}`", _about(event))
        for name, event in EVENTS.items()
    ]
    parts = [
        _HEAD.rstrip("\n"),
        "## Commands",
        markdown(("type", "key", "what it asks"), commands),
        "## Events",
        markdown(("type", "stream", "what it says"), events),
    ]
    return "\n\n".join(parts) + "\n"


def _about(message: type) -> str:
    return first_sentence(message.__doc__)
