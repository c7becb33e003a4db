"""Loading a batch: lock and read what its messages need, in the one order there is.

Offsets, inbox and streams come first, as the messages alone tell which; then, as the streams tell
which, further streams, facts and balances.  The head row comes last of all.
"""

from collections.abc import Iterable, Mapping, Sequence

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
    streams_of,
)
from danbao.kernel.messages import Locked, Message, StoredStream, TopicPartition
from danbao.kernel.ports import Unit


async def lock(
    unit: Unit, service: Service, places: Iterable[TopicPartition], messages: Sequence[Message]
) -> Locked:
    """Lock how far the service is, and what the messages need whatever is the case."""
    commands = {message.cause.id for message in messages if message.command is not None}
    wishes = (wish for message in messages for wish in message.wishes)
    return await unit.lock(service.name, places, commands, streams_of(service, wishes))


async def load(unit: Unit, service: Service, messages: Sequence[Message], locked: Locked) -> Loaded:
    """Lock and read all else that the messages need, as far as today's states tell."""
    loaded = Loaded(answered=locked.answers)
    await _load_reuses(unit, loaded, messages)
    await _load_streams(unit, service, loaded, locked.streams)
    wanted = Wanted()
    for message in messages:
        if message.command is not None and message.cause.id in loaded.answered:
            continue
        for wish in message.wishes:
            decider = service.decider_of(type(wish))
            state = loaded.streams[decider.stream_of(wish)].state
            wanted.add(decider.needs(wish, state))
    if further := wanted.streams - loaded.streams.keys():
        await _load_streams(unit, service, loaded, await unit.lock_streams(further))
    if wanted.facts:
        texts = await unit.share_facts(wanted.facts)
        loaded.facts.update((key, decode_fact(key, text)) for key, text in texts.items())
    if wanted.debits:
        loaded.balances.update(await unit.lock_balances(wanted.debits))
    return loaded


async def _load_streams(
    unit: Unit, service: Service, loaded: Loaded, locked: Mapping[str, StoredStream]
) -> None:
    for name, stored in locked.items():
        decider = service.decider_for(category_of(name))
        loaded.streams[name] = await load_stream(unit, decider, name, stored)


async def _load_reuses(unit: Unit, loaded: Loaded, messages: Sequence[Message]) -> None:
    """Find the answers to other bodies under ids that are taken."""
    bodies = [(m.cause.id, m.command.sha256) for m in messages if m.command is not None]
    is_repeated = len(dict(bodies)) < len(bodies)  # a second body may lie in this very batch
    reuses = {
        f"rejection/{reuse_id(name, sha256)}"
        for name, sha256 in bodies
        if is_repeated or loaded.answered.get(name, sha256) != sha256
    }
    if reuses:
        loaded.reuses_answered = await unit.find_streams(reuses)


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
