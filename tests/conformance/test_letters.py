"""What every store promises about dead letters that are tried again."""

import pytest
from tests.conformance.databases import Database
from tests.conformance.writing import COMMANDS, EVENTS, SERVICE, Writer, letter

from danbao.kernel.errors import ConflictError
from danbao.kernel.messages import DeadLetter, KeptLetter

LIMIT = 10


async def keep(writer: Writer, *letters: DeadLetter) -> None:
    """Set records aside."""
    writes = await writer.writes()
    writes.dead_letters = list(letters)
    await writer.commit(writes)


async def lock(writer: Writer, flow: str | None = None, limit: int = LIMIT) -> list[KeptLetter]:
    """What a worker would try now."""
    place = COMMANDS if flow is None else EVENTS
    async with writer.store.unit() as unit:
        return list(await unit.lock_letters(SERVICE, place, flow, limit))


async def test_a_command_is_tried_again_when_somebody_wants_it(database: Database) -> None:
    """Letters wait for an operator; the record comes back byte for byte."""
    writer = Writer(database.open())
    await keep(writer, letter(1), letter(2, "command_failed"), letter(3))
    assert await writer.store.retries(SERVICE) == []
    await database.request_letters("json_unreadable")
    assert await writer.store.retries(SERVICE) == [(COMMANDS, None)]
    assert await database.open("escrow").retries("escrow") == []
    kept = await lock(writer)
    assert [each.record for each in kept] == [letter(1).record, letter(3).record]
    assert all(each.is_requested for each in kept)
    assert len(await lock(writer, limit=1)) == 1


async def test_a_flow_goes_on_from_its_first_letter(database: Database) -> None:
    """Later events are never tried before the one that failed."""
    writer = Writer(database.open())
    for offset, reason in ((4, "event_failed"), (5, "flow_parked"), (6, "flow_parked")):
        await keep(writer, letter(offset, reason, "T-1", EVENTS))
    await keep(writer, letter(7, "event_failed", "T-2", EVENTS))
    assert await writer.store.retries(SERVICE) == []
    await database.request_letters("event_failed")
    assert sorted(await writer.store.retries(SERVICE)) == [(EVENTS, "T-1"), (EVENTS, "T-2")]
    kept = await lock(writer, "T-1")
    assert [each.record.offset for each in kept] == [4, 5, 6]
    assert [each.is_requested for each in kept] == [True, False, False]


async def test_a_flow_is_free_once_nothing_of_it_waits(database: Database) -> None:
    """What is parked behind an event goes on by itself when that one was handled."""
    writer = Writer(database.open())
    await keep(writer, letter(4, "event_failed", "T-1", EVENTS))
    await keep(writer, letter(5, "flow_parked", "T-1", EVENTS))
    for _ in range(2):
        assert await writer.store.parked_flows(SERVICE, EVENTS) == {"T-1"}
        await database.request_letters("event_failed")
        first = (await lock(writer, "T-1"))[0]
        writes = await writer.writes()
        writes.letters_retried = [first.id]
        await writer.commit(writes)
    assert await writer.store.parked_flows(SERVICE, EVENTS) == set()
    assert await writer.store.retries(SERVICE) == []
    assert await database.count("dead_letters") == 2


async def test_a_letter_that_fails_again_waits_with_its_new_reason(database: Database) -> None:
    """Nothing is tried for ever; the operator sees what is wrong now."""
    writer = Writer(database.open())
    await keep(writer, letter(4, "event_failed", "T-1", EVENTS))
    await database.request_letters("event_failed")
    (first,) = await lock(writer, "T-1")
    writes = await writer.writes()
    writes.letters_failed = {first.id: letter(4, "event_unreadable", "T-1", EVENTS)}
    await writer.commit(writes)
    assert await writer.store.retries(SERVICE) == []
    (again,) = await lock(writer, "T-1")
    assert (again.id, again.reason, again.is_requested) == (first.id, "event_unreadable", False)


async def test_a_letter_is_settled_once(database: Database) -> None:
    """What two would handle, or somebody discarded meanwhile, is handled by nobody twice."""
    writer = Writer(database.open())
    await keep(writer, letter(4, "event_failed", "T-1", EVENTS))
    (first,) = await lock(writer, "T-1")
    writes = await writer.writes()
    writes.letters_retried = [first.id]
    await writer.commit(writes)
    with pytest.raises(ConflictError):
        await writer.commit(writes)
