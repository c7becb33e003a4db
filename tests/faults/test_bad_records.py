"""Bad records of every kind amid whole trades: each has its end, nobody else is held up."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random
from typing import cast

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.faults.points import SERVICE_BACK_WITHIN_S
from tests.faults.record import FaultRecord
from tests.faults.test_commands_twice import answers_of, created, have_merchant
from tests.faults.watch import Watch
from tests.integration.bad_commands import ALL, good
from tests.integration.wire import Raw, Wire

from danbao.kernel.kafka.clients import make_producer

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

PARTITIONS = 8
FLIPPED = 300
HEADERS = 10_000
TEN_MEBIBYTES = 10 * 1_048_576
OTHERS_COMMIT_WITHIN_S = 5.0
HAPPENS_WITHIN_S = 60
NULLED = ("ce_id", "ce_type", "ce_partitionkey", "ce_actor", "ce_specversion", "content-type", "x")


@pytest.fixture
async def wire(fleet: Fleet) -> AsyncIterator[Wire]:
    """Raw records to any partition, and every answer."""
    async with Wire(fleet.engine) as connected:
        yield connected


def nulled(run: str) -> list[Raw]:
    """Good commands, each with a header whose value is null."""
    raws = [(name, good(f"null {run} {name}", f"T-null-{run}-{name}")) for name in NULLED]
    none = cast("bytes", None)
    return [replace(raw, headers=raw.headers | {name: none}) for name, raw in raws]


def crowded(run: str) -> Raw:
    """A good command with more headers than anybody would read."""
    raw = good(f"crowded {run}", f"T-crowded-{run}")
    return replace(raw, headers=raw.headers | {f"x-{n}": b"x" for n in range(HEADERS)})


def flipped(random: Random, run: str, number: int) -> Raw:
    """A good command with one bit of it turned over: of its value, its key or a header."""
    raw = good(f"flipped {run} {number}", f"T-flipped-{run}-{number}")
    place = random.choice(["value", "key", *raw.headers])
    found = {"value": raw.value, "key": raw.key}.get(place, raw.headers.get(place))
    spoilt = bytearray(found or b"")
    spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(8)
    if place in {"value", "key"}:
        return replace(raw, **{place: bytes(spoilt)})
    return replace(raw, headers=raw.headers | {place: bytes(spoilt)})


@pytest.mark.brief
async def test_bad_records_of_every_kind_amid_trades_hold_nobody_up(
    fleet: Fleet,
    wire: Wire,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """The auditor wants an outcome of every record: an answer, or a letter that keeps its bytes."""
    run = str(load_seed)
    bad = [one.raw(run) for one in ALL] + nulled(run) + [crowded(run)]
    bad += [flipped(random, run, number) for number in range(FLIPPED)]
    random.shuffle(bad)
    async with Load(fleet, load_seed, trades=300) as load:
        sending = asyncio.create_task(
            wire.send_all([(raw, random.randrange(PARTITIONS)) for raw in bad])
        )
        await load.more(random.randint(1, 60))
        victim = fleet.members["escrow-0"]
        victim.send(signal.SIGKILL)
        await victim.wait_killed(5)
        fleet.forget(victim)
        await fleet.start_member("escrow")
        await sending
        fault = faults.hit("bad records", f"{len(bad)} records, escrow killed among them")
        begun = time.monotonic()
        after = good(f"after {run}", f"T-after-{run}")
        await wire.send(after, 0)
        answer = await wire.answer(after.command_id)
        fault.took("next answered", answer.seen_at - begun, SERVICE_BACK_WITHIN_S)
        await load.finish()
    await settle(fault)


async def test_a_record_larger_than_the_topic_takes_never_gets_in(
    fleet: Fleet, wire: Wire, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Its producer hears of it; whoever sends next is served."""
    producer = make_producer(
        fleet.settings.kafka_bootstrap, client_id="test-huge", max_request_size=2 * TEN_MEBIBYTES
    )
    await producer.start()
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(
                "danbao.escrow.commands", b"x" * TEN_MEBIBYTES, partition=0
            )
    finally:
        await producer.stop()
    fault = faults.hit("huge record", "10 MiB, refused by the broker")
    after = good(f"after {load_seed}", f"T-after-{load_seed}")
    await wire.send(after, 0)
    await wire.answer(after.command_id)
    await settle(fault)


async def letters(fleet: Fleet, reason: str, at_least: int) -> None:
    """Wait until so many letters wait for a reason."""
    counted = "SELECT count(*) FROM danbao.dead_letters WHERE state = 'waiting' AND reason = $1"
    async with asyncio.timeout(HAPPENS_WITHIN_S), fleet.engine.database() as database:
        while await database.fetchval(counted, reason) < at_least:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def retry(fleet: Fleet, reason: str) -> None:
    """Have what was set aside for a reason tried again, as an operator does."""
    words = ("dead-letters", "retry", "--reason", reason, "--yes", "--wait", "30")
    ended = await asyncio.to_thread(fleet.engine.cli, *words)
    assert ended.returncode == 0, ended.stdout + ended.stderr


async def test_a_decision_that_raises_is_set_aside_and_done_by_mended_code(
    fleet: Fleet, wire: Wire, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """A bug about one trade costs no other trade, and nothing at all once it is mended."""
    seller = f"M{load_seed}"
    await have_merchant(wire, seller)
    raws = [created(f"T{load_seed}-spoilt-{number}", seller) for number in range(16)]
    async with Load(fleet, load_seed + 1, trades=200) as load:
        await fleet.renew("escrow-0", planted="decision_raises")
        await wire.send_all([(raw, number % PARTITIONS) for number, raw in enumerate(raws)])
        await letters(fleet, "command_failed", len(raws))
        fault = faults.hit("decision raises", f"{len(raws)} commands of escrow")
        await load.more(40)
        await fleet.renew("escrow-0")
        await retry(fleet, "command_failed")
        await load.finish()
    await settle(fault)
    assert await answers_of(fleet, raws) == {raw.command_id: 1 for raw in raws}


async def test_a_decision_that_never_ends_holds_its_own_worker_up_and_nobody_else(
    fleet: Fleet, wire: Wire, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Others take its partitions over and commit; when it comes to its end it is fenced."""
    seller = f"M{load_seed}"
    await have_merchant(wire, seller)
    raws = [created(f"T{load_seed}-spoilt-{number}", seller) for number in range(PARTITIONS)]
    async with Load(fleet, load_seed + 1, trades=900, rate=40) as load:
        looping = await fleet.start_member("escrow", 1, planted="decision_loops")
        await looping.wait_ready()
        await wire.send_all(list(zip(raws, range(PARTITIONS), strict=True)))
        fault = faults.hit("decision loops", "20 s in one of two escrow workers")
        fault.took("others commit", await watch.moves("head", 15), OTHERS_COMMIT_WITHIN_S)
        async with asyncio.timeout(HAPPENS_WITHIN_S):
            await wire.codes(raws)
        await load.finish()
        await fleet.end("escrow-1", signal.SIGKILL)
    await settle(fault)
    assert await answers_of(fleet, raws) == {raw.command_id: 1 for raw in raws}


async def test_events_of_a_later_version_wait_for_code_that_knows_them(
    fleet: Fleet, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """In a rolling upgrade the old reader parks what it does not know and goes on with the rest."""
    async with Load(fleet, load_seed, trades=200) as load:
        await fleet.renew("risk-0", planted="old_reader")
        await letters(fleet, "event_from_future", 20)
        fault = faults.hit("event from the future", "risk is a version behind, 20 and more parked")
        await fleet.renew("risk-0")
        await retry(fleet, "event_from_future")
        await load.finish()
    await settle(fault)
