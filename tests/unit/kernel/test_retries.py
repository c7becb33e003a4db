"""Dead letters that are tried again: exactly once, each flow in its order, whoever dies."""

from dataclasses import replace
from random import Random

import pytest
from tests.unit.kernel.test_setting_aside import with_broken
from tests.unit.kernel.trading import Commands, check, command_id, play, side_by_side, stages

from danbao.app import SERVICES
from danbao.contracts.catalogue import EVENTS
from danbao.kernel.events import EventReader
from danbao.kernel.memory.tables import StoredLetter
from danbao.kernel.messages import DeadLetter, Message
from danbao.testing.engine import Engine

FLOWS = 3


def ask(engine: Engine, *reasons: str) -> None:
    """Want letters retried, as `danbao dead-letters retry` does."""
    for key, stored in engine.tables.letters.items():
        if stored.letter.reason in reasons and not stored.is_settled:
            engine.tables.letters[key] = stored._replace(state="requested")


def waiting(engine: Engine) -> list[StoredLetter]:
    """Letters that nothing has become of yet."""
    return [stored for stored in engine.tables.letters.values() if not stored.is_settled]


async def mend(engine: Engine, name: str) -> None:
    """Restart with code that has no bug."""
    engine._services[name] = SERVICES[name]
    await engine.restart()


async def test_a_mended_flow_goes_on_where_it_stopped() -> None:
    """After the upgrade and a retry, the log says what it would have said without the bug."""
    engine = Engine(with_broken("risk", "payer/B-1"), partitions=1)
    await play(engine, side_by_side(FLOWS))
    assert [stored.letter.reason for stored in waiting(engine)] == ["event_failed"]
    await mend(engine, "risk")
    await engine.settle()
    assert waiting(engine), "nobody asked for a retry yet"
    ask(engine, "event_failed")
    await engine.settle()
    assert waiting(engine) == []
    check(engine)
    assert "risk.payment_assessed.v1" in engine.events("T-1")


async def test_a_retry_that_fails_again_waits_again() -> None:
    """A retry without a repair changes nothing."""
    engine = Engine(with_broken("risk", "payer/B-1"), partitions=1)
    await play(engine, side_by_side(FLOWS))
    log = len(engine.log)
    ask(engine, "event_failed")
    await engine.settle()
    (stored,) = waiting(engine)
    assert (stored.state, stored.tries, stored.letter.reason) == ("waiting", 1, "event_failed")
    assert len(engine.log) == log


async def test_a_command_is_decided_after_all_and_once() -> None:
    """The sender gets its answer under the id it sent, even if it sent again meanwhile."""
    engine = Engine(with_broken("accounts", "account/B-2"), partitions=1)
    data = {"account_id": "B-2", "kind": "personal", "currency": "CNY"}
    name = await engine.send("accounts.open_account.v1", data)
    await engine.settle()
    assert engine.answers(name) == []
    await mend(engine, "accounts")
    await engine.send("accounts.open_account.v1", data, id=name)
    ask(engine, "command_failed")
    await engine.settle()
    assert [row.type for row in engine.answers(name)] == ["accounts.account_opened.v1"]
    assert waiting(engine) == []
    check(engine)


def rivals() -> list[Commands]:
    """Three payments of one flow, of which the payer can afford one: the order decides."""
    opening, funding, [(kind, data, _)], *_ = stages(1)
    payments: Commands = [
        (kind, data | {"payment_id": name}, command_id(name)) for name in ("P-a", "P-b", "P-c")
    ]
    return [opening, funding, payments]


def ends(engine: Engine) -> dict[str, str]:
    """What became of each payment."""
    kinds = ("authorization.payment_captured.v1", "authorization.payment_declined.v1")
    return {row.stream: row.type for row in engine.log if row.type in kinds}


@pytest.mark.parametrize("seed", range(30))
async def test_events_behind_a_failed_one_follow_in_order_whoever_dies(seed: int) -> None:
    """A parked flow is handled in the order of the log, through restarts at any moment."""
    random = Random(seed)
    good = Engine(partitions=1)
    await play(good, rivals())
    assert ends(good)["payment/P-a"] == "authorization.payment_captured.v1"
    engine = Engine(with_broken("risk", "payer/B-1"), partitions=1, random=random)
    await play(engine, rivals())
    assert [each.letter.reason for each in waiting(engine)] == [
        "event_failed",
        *["flow_parked"] * 2,
    ]
    await mend(engine, "risk")
    engine.settings = replace(engine.settings, batch_records_max=random.choice((1, 2, 500)))
    ask(engine, "event_failed")
    for _ in range(random.randrange(6)):
        await engine.start_worker("risk")
        await engine.turn()
        if random.random() < 0.5:
            await engine.stop_worker(engine.workers["risk"][0])
    await engine.settle()
    assert waiting(engine) == []
    check(engine)
    assert ends(engine) == ends(good)
    assert engine.balances() == good.balances()


async def test_an_event_from_the_future_parks_its_flow_until_the_upgrade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An old reader drops nothing that it does not understand, and waits for nobody else."""
    captured = "authorization.payment_captured.v1"
    known = {name: event for name, event in EVENTS.items() if name != captured}
    engine = Engine(partitions=1)
    with monkeypatch.context() as old:
        old.setattr("danbao.kernel.events.EVENTS", known)
        await play(engine, side_by_side(1)[:3])
        for _ in range(2):
            reasons = {stored.letter.reason for stored in waiting(engine)}
            assert reasons == {"event_from_future"}
            assert engine.events("T-0")[-1] == captured
            ask(engine, "event_from_future")
            await engine.settle()
    await engine.restart()
    ask(engine, "event_from_future")
    await engine.settle()
    assert waiting(engine) == []
    assert engine.events("T-0")[-1] == "escrow.trade_funded.v1"
    check(engine)


async def test_a_later_schema_version_is_from_the_future_too() -> None:
    """Data that means more than we know is not read as if it did not."""
    engine = Engine(partitions=1)
    await play(engine, side_by_side(1)[:3])
    records = engine.broker.records("danbao.authorization.events")
    record = next(r for r in records if dict(r.headers)["ce_type"].endswith(b"captured.v1"))
    reader = EventReader(SERVICES["escrow"])
    headers = dict(record.headers)
    assert isinstance(reader.read(record, headers, 1), Message)
    for version in (b"2", b"12", b"?"):
        letter = reader.read(record, headers | {"ce_schemaversion": version}, 1)
        assert isinstance(letter, DeadLetter)
        assert (letter.reason, letter.partition_key) == ("event_from_future", "T-0")


async def test_a_discarded_event_lets_those_behind_it_go_on() -> None:
    """What an operator gives up is skipped; the rest of the flow happens."""
    engine = Engine(with_broken("risk", "payer/B-1"), partitions=1)
    await play(engine, rivals())
    await mend(engine, "risk")
    first = waiting(engine)[0]
    key = next(key for key, stored in engine.tables.letters.items() if stored is first)
    engine.tables.letters[key] = first._replace(state="discarded")
    await engine.settle()
    assert waiting(engine) == []
    assert ends(engine) == {
        "payment/P-b": "authorization.payment_captured.v1",
        "payment/P-c": "authorization.payment_declined.v1",
    }
    check(engine)
