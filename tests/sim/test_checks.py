"""The checker checked: a world that was tampered with is never found to be well."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from danbao.kernel.memory.tables import Changes, StoredLetter
from danbao.kernel.messages import DeadLetter, LogRow, Offset, TimerRow, TopicPartition
from danbao.testing.simulation import Fault, Options
from danbao.testing.simulation.run import Played, play
from danbao.testing.simulation.sight import sight_problems

WITHOUT = (Fault.HASTE, Fault.DELAY, Fault.OTHER_BODY, Fault.UNREADABLE)
Tamper = Callable[[Played], None]


@cache
def options() -> Options:
    """A run that comes far: money moves, trades end, something is refused, something declined."""
    for seed in range(1, 50):
        chosen = Options(seed, 120, WITHOUT)
        rows = play(chosen).world.tables.log
        if all(any(map(is_so, rows)) for is_so in (is_funded, is_refused, is_declined)):
            return chosen
    raise AssertionError("no seed comes far enough")


def is_funded(row: LogRow) -> bool:
    return row.type == "escrow.trade_funded.v1"


def is_refused(row: LogRow) -> bool:
    return row.type == "escrow.command_rejected.v1" and "wrong_state" in row.data


def is_declined(row: LogRow) -> bool:
    return row.type == "authorization.payment_declined.v1"


def first(played: Played, wanted: Callable[[LogRow], object]) -> LogRow:
    """The first row of the log that is as wanted."""
    return next(row for row in played.world.tables.log if wanted(row))


def rewrite(played: Played, row: LogRow, **changes: object) -> None:
    """Change a row of the log, in the log and in its stream."""
    tables, new = played.world.tables, replace(row, **changes)
    tables.log[row.position - 1] = new
    rows = tables.streams[row.stream]
    rows[rows.index(row)] = new


def events(played: Played) -> list[Any]:
    """The fullest partition of escrow's events."""
    broker = played.world.broker
    places = broker.places(["danbao.escrow.events"])
    return max((broker.partition(place).slots for place in places), key=len)


def inbox_row_gone(played: Played) -> None:
    inbox = played.world.tables.inbox
    del inbox[next(iter(inbox))]


def inbox_row_elsewhere(played: Played) -> None:
    inbox = played.world.tables.inbox
    name = next(iter(inbox))
    inbox[name] = inbox[name]._replace(last_position=inbox[name].last_position + 1)


def inbox_row_of_nobody(played: Played) -> None:
    inbox = played.world.tables.inbox
    inbox["00000000-0000-4000-8000-00000000abcd"] = next(iter(inbox.values()))


def cause_unknown(played: Played) -> None:
    row = first(played, is_funded)
    rewrite(played, row, causation_id="00000000-0000-4000-8000-00000000abcd")


def letter_too_many(played: Played) -> None:
    place = TopicPartition("danbao.escrow.commands", 0)
    record = played.world.broker.records(place.topic)[0]
    letter = DeadLetter(record, "unreadable", "", "T-1")
    now = played.world.now()
    played.world.tables.letters["escrow", place, record.offset] = StoredLetter(1, letter, now)


def record_gone(played: Played) -> None:
    slots = events(played)
    slots[next(n for n, record in enumerate(slots) if record)] = None


def record_twice(played: Played) -> None:
    slots = events(played)
    slots.append(next(record for record in reversed(slots) if record))


def record_changed(played: Played) -> None:
    slots = events(played)
    place = next(n for n, record in enumerate(slots) if record)
    slots[place] = replace(slots[place], value=b"{}")


def records_swapped(played: Played) -> None:
    slots = events(played)
    one, two = [n for n, record in enumerate(slots) if record][:2]
    slots[one], slots[two] = slots[two], slots[one]


def state_changed(played: Played) -> None:
    states = played.world.tables.states
    name = next(name for name in states if name.startswith("trade/"))
    states[name] = replace(states[name], state='{"state":"TRADE_SUCCESS"}')


def state_gone(played: Played) -> None:
    states = played.world.tables.states
    del states[next(iter(states))]


def fact_changed(played: Played) -> None:
    facts = played.world.tables.facts
    facts[next(key for key, text in facts.items() if text)] = "{}"


def balance_changed(played: Played) -> None:
    balances = played.world.tables.balances
    balances[next(account for account, minor in balances.items() if minor)] += 1


def timer_left_over(played: Played) -> None:
    row = played.world.tables.log[-1]
    name, key = "00000000-0000-5000-8000-00000000abcd", row.partition_key
    late = row.recorded_at + timedelta(days=90)
    timer = TimerRow(name, row.stream, late, "escrow.time_out_payment.v1", key, name, "{}")
    played.world.tables.timers[name] = timer


TAMPERED: tuple[Tamper, ...] = (
    inbox_row_gone,
    inbox_row_elsewhere,
    inbox_row_of_nobody,
    cause_unknown,
    letter_too_many,
    record_gone,
    record_twice,
    record_changed,
    records_swapped,
    state_changed,
    state_gone,
    fact_changed,
    balance_changed,
    timer_left_over,
)


def test_an_honest_world_is_well() -> None:
    """What follows is not found by a checker that finds fault with everything."""
    assert play(options()).problems() == []


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda tamper: tamper.__name__)
def test_a_world_that_was_tampered_with_is_found_out(tamper: Tamper) -> None:
    """Each check bites on what it is there for."""
    played = play(options())
    tamper(played)
    assert played.problems()


def test_a_refusal_that_the_log_contradicts_is_found() -> None:
    """Whoever is told that there is no such trade can rely on it."""
    played = play(options())
    row = first(played, is_refused)
    data = json.loads(row.data) | {"code": "trade_unknown"}
    rewrite(played, row, data=json.dumps(data))
    assert list(sight_problems(played.world))


def test_a_decline_that_the_log_contradicts_is_found() -> None:
    """A buyer with an account is not told that there is none."""
    played = play(options())
    opened = first(played, lambda row: row.type == "accounts.account_opened.v1")
    data = {"code": "account_unknown", "payer": json.loads(opened.data)["account_id"]}
    row = next(row for row in reversed(played.world.tables.log) if is_declined(row))
    rewrite(played, row, data=json.dumps(json.loads(row.data) | data))
    assert list(sight_problems(played.world))


def next_row(played: Played, **changes: object) -> LogRow:
    """The row that may follow, but for what is changed."""
    last = played.world.tables.log[-1]
    good = {"position": last.position + 1, "stream": "trade/new", "version": 1, "postings": None}
    return replace(last, **(good | changes))


POSTINGS = '[{"debit":"R.CUST.X.AVAILABLE","credit":"R.ESCROW.X","minor":%d,"currency":"CNY"}]'
BAD_ROWS: dict[str, dict[str, Any]] = {
    "a position is left out": {"position": 10_000},
    "a version is left out": {"version": 2},
    "a wallet falls below zero": {"postings": POSTINGS % 1},
    "an amount is no amount": {"postings": POSTINGS % 0},
    "two books in one posting": {"postings": POSTINGS.replace("R.ESCROW", "O.INC") % 1},
}


@pytest.mark.parametrize("changes", BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_is_found_at_its_commit(changes: dict[str, Any]) -> None:
    """The run ends there, where the cause still is in the trace."""
    played = play(options())
    commit(played, next_row(played, **changes))
    assert played.world.problems


def test_a_row_from_the_past_is_found_at_its_commit() -> None:
    """Times never fall, so that "as of a time" is a prefix of the log."""
    played = play(options())
    last = played.world.tables.log[-1]
    commit(played, next_row(played, recorded_at=last.recorded_at - timedelta(seconds=1)))
    assert played.world.problems


def test_a_good_row_is_found_to_be_good() -> None:
    """The rows above are bad for the reason they name."""
    played = play(options())
    commit(played, next_row(played))
    assert played.world.problems == []


def test_an_offset_that_goes_back_is_found_at_its_commit() -> None:
    """What was read is never unread, whatever a worker believes."""
    played = play(options())
    changes = Changes(played.world.tables)
    offsets = played.world.tables.offsets.items()
    key, offset = next(each for each in offsets if each[1].next_offset > 0)
    changes.offsets[key] = Offset(offset.epoch, offset.next_offset - 1, offset.last_sequence)
    changes.commit()
    played.watch.committed("test", changes)
    assert played.world.problems


def commit(played: Played, row: LogRow) -> None:
    """Commit a row past every check of the store."""
    changes = Changes(played.world.tables)
    changes.rows.append(row)
    changes.leaves.append(played.world.tables.leaves[-1])
    changes.commit()
    played.watch.committed("test", changes)
