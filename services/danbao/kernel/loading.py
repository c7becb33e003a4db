"""Loading a batch: lock and read what its messages need, in the one order there is.

Offsets come before this, the head row after; in between: inbox, streams, facts, balances.
"""

from collections.abc import Sequence

import msgspec

from danbao.contracts.decider import AnyDecider, Service
from danbao.kernel.events import decode_event
from danbao.kernel.ids import reuse_id
from danbao.kernel.loaded import (
    Loaded,
    LoadedStream,
    Wanted,
    category_of,
    decode_fact,
    decode_state,
)
from danbao.kernel.messages import Message, StoredStream
from danbao.kernel.ports import Unit


async def load(unit: Unit, service: Service, messages: Sequence[Message]) -> Loaded:
    """Lock and read all that the messages need, as far as today's states tell."""
    loaded = Loaded()
    await _load_answers(unit, loaded, messages)
    wishes = [
        wish
        for message in messages
        if message.refusal is None and not _is_answered(loaded, message)
        for wish in message.wishes
    ]
    wanted = Wanted()
    for wish in wishes:
        decider = service.decider_of(type(wish))
        wanted.streams.add(decider.stream_of(wish))
        wanted.streams.update(decider.needs(wish, decider.initial).streams)
    if wanted.streams:
        for name, stored in (await unit.lock_streams(wanted.streams)).items():
            decider = service.decider_for(category_of(name))
            loaded.streams[name] = await load_stream(unit, decider, name, stored)
    for wish in wishes:
        decider = service.decider_of(type(wish))
        state = loaded.streams[decider.stream_of(wish)].state
        wanted.add(decider.needs(wish, state))
    if wanted.facts:
        texts = await unit.share_facts(wanted.facts)
        loaded.facts = {key: decode_fact(key, text) for key, text in texts.items()}
    if wanted.debits:
        loaded.balances = await unit.lock_balances(wanted.debits)
    return loaded


async def _load_answers(unit: Unit, loaded: Loaded, messages: Sequence[Message]) -> None:
    """Find the commands that have their answer already."""
    commands = {m.cause.id: m.command.sha256 for m in messages if m.command is not None}
    if not commands:
        return
    loaded.answered = await unit.find_answers(commands)
    reuses = {
        f"rejection/{reuse_id(m.cause.id, m.command.sha256)}"
        for m in messages
        if m.command is not None
        and loaded.answered.get(m.cause.id, m.command.sha256) != m.command.sha256
    }
    if len(commands) < sum(m.command is not None for m in messages):
        reuses |= _reuses_within(messages)
    if reuses:
        loaded.reuses_answered = await unit.find_streams(reuses)


def _reuses_within(messages: Sequence[Message]) -> set[str]:
    """Answers to second bodies that lie in this very batch."""
    return {
        f"rejection/{reuse_id(m.cause.id, m.command.sha256)}"
        for m in messages
        if m.command is not None
    }


def _is_answered(loaded: Loaded, message: Message) -> bool:
    return message.command is not None and message.cause.id in loaded.answered


async def load_stream(
    unit: Unit, decider: AnyDecider, name: str, stored: StoredStream
) -> LoadedStream:
    """Take the cached state, or fold the stream anew when the code's fold has changed."""
    if stored.version == 0 or stored.fold_version == decider.fold_version:
        state = decode_state(decider, stored.state)
        return LoadedStream(stored.version, stored.version, state)
    folded: msgspec.Struct = decider.initial
    for row in await unit.read_stream(name):
        folded = decider.evolve(folded, decode_event(row.type, row.data))
    return LoadedStream(stored.version, stored.version, folded)
