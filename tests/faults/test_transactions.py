"""The relay's Kafka transactions end late, twice, in the wrong place, or not at all.

Its producer's EndTxn is kept back by a proxy, so that a transaction is open for certain.
"""

import asyncio
import signal
from random import Random

import pytest
from tests.faults.behind import behind_kafka
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, NotHitError, until
from tests.faults.late import ADDED, NO_ERROR, WRITTEN, LateEnd
from tests.faults.load import Load
from tests.faults.proxy import Proxy
from tests.faults.record import Fault, FaultRecord
from tests.faults.watch import Watch

from danbao.kernel.kafka.clients import TRANSACTION_TIMEOUT_MS
from danbao.kernel.kafka.sink import DEADLINE_S

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

NEXT_PUBLISHES_WITHIN_S = 10.0
READERS_WITHIN_S = 10.0
BROKER_LOOKS_EVERY_S = 10
"""How often a broker ends transactions that are over their time."""
INVALID_PRODUCER_EPOCH = 47
FENCED = (INVALID_PRODUCER_EPOCH, 90)


def relay_proxy(fleet: Fleet, random: Random) -> Proxy:
    """A proxy for the relay's Kafka."""
    return Proxy.for_kafka(fleet.settings.kafka_bootstrap, random)


async def stands_by(fleet: Fleet) -> None:
    """Start a second relay; return once it has seen that another one leads."""
    second = await fleet.start_member("relay", 1)
    await until(lambda: "relay.standing_by" in second.words, 30, "the second relay stands by")


async def goes_on(watch: Watch, fault: Fault) -> None:
    """Hold the relay and a reader of committed records against their bars."""
    fault.took("published", await watch.moves("relay", 40), NEXT_PUBLISHES_WITHIN_S)
    fault.took("read", await watch.moves("authorization", 40), READERS_WITHIN_S)


@pytest.mark.parametrize(
    "stage", [ADDED, pytest.param(WRITTEN, marks=pytest.mark.brief)], ids=["added", "written"]
)
async def test_an_end_that_lands_in_the_next_transaction_of_its_producer_loses_nothing(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    stage: str,
) -> None:
    """The client sends it again by itself, with the same epoch; the first comes later still."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=400, rate=40) as load,
    ):
        late = LateEnd(proxy, stage=stage, resets=True)
        await load.more(random.randint(1, 100))
        late.arm()
        error = await late.wait_answered(30)
        what = "ended the next" if error == NO_ERROR else f"refused, error {error}"
        fault = faults.hit("late EndTxn", f"{what}, {stage}")
        await goes_on(watch, fault)
        await load.finish()
    await settle(fault)


async def test_an_end_that_comes_when_its_producer_was_given_up_is_refused(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """The relay does not wait for an answer for ever, and its next producer has another epoch."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=700, rate=25) as load,
    ):
        late = LateEnd(proxy, stage=ADDED)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        fault = faults.hit("EndTxn unanswered", "the relay's, until its next transaction")
        took = await watch.moves("relay", 60)
        fault.took("given up, and on", took, DEADLINE_S + NEXT_PUBLISHES_WITHIN_S)
        assert await late.wait_answered(10) in FENCED
        assert "outcome_unknown" in fleet.members["relay-0"].words
        await goes_on(watch, fault)
        await load.finish()
    await settle(fault)


@pytest.mark.brief
async def test_a_relay_killed_in_an_open_transaction_holds_readers_up_for_ten_seconds_at_most(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """The next one ends its transaction at once, for readers wait below it."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=400, rate=30) as load,
    ):
        await stands_by(fleet)
        late = LateEnd(proxy)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        victim = fleet.members["relay-0"]
        victim.send(signal.SIGKILL)
        await victim.wait_killed(5)
        fault = faults.hit("SIGKILL", "a relay with an open transaction, another stands by")
        fleet.forget(victim)
        await goes_on(watch, fault)
        late.let_go()
        if await late.wait_answered(10) not in FENCED:
            raise NotHitError("the dead relay's end was not refused")
        await load.finish()
    await fleet.end("relay-1")
    await settle(fault)


async def test_a_relay_frozen_in_an_open_transaction_is_fenced_by_the_next(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """Frozen for longer than lease, transaction and session: what it sent last is refused."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=3000, rate=25) as load,
    ):
        await stands_by(fleet)
        late = LateEnd(proxy)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        zombie = fleet.members["relay-0"]
        zombie.send(signal.SIGSTOP)
        await zombie.wait_frozen(5)
        fault = faults.hit("SIGSTOP", "a relay with an open transaction, 70 s, another stands by")
        await goes_on(watch, fault)
        await asyncio.sleep(70)  # the fault itself
        zombie.send(signal.SIGCONT)
        late.let_go()
        assert await late.wait_answered(10) in FENCED
        await load.more(50)
        assert zombie.words.count("relay.leading") == 1
        await load.finish()
    await fleet.end("relay-1")
    await settle(fault)


async def test_a_relay_whose_transaction_the_broker_gave_up_begins_anew(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """It is told that it was fenced, though nobody took its lease: it opens again by itself."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=900, rate=20) as load,
    ):
        late = LateEnd(proxy)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        relay = fleet.members["relay-0"]
        relay.send(signal.SIGSTOP)
        await relay.wait_frozen(5)
        await asyncio.sleep(TRANSACTION_TIMEOUT_MS / 1000 + BROKER_LOOKS_EVERY_S + 2)  # the fault
        relay.send(signal.SIGCONT)
        late.let_go()
        if await late.wait_answered(10) not in FENCED:
            raise NotHitError("the broker has not given the transaction up")
        fault = faults.hit("SIGSTOP", "a relay with an open transaction, alone, until it timed out")
        await goes_on(watch, fault)
        await load.finish()
    await settle(fault)


async def test_ten_relays_at_once_publish_each_event_once(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """An operator's mistake, or a rolling restart that went wrong."""
    await fleet.end("relay-0")
    relays = [fleet.spawn("relay", worker) for worker in range(10)]
    for relay in relays:
        await relay.wait_started()
    async with Load(fleet, load_seed, trades=900, rate=20) as load:
        fault = faults.hit("ten relays", "started at the same moment, the leading one killed twice")
        for _ in range(2):
            await load.more(50, 40)
            [leader] = [relay for relay in relays if relay.lives and "relay.leading" in relay.words]
            leader.send(signal.SIGKILL)
            await leader.wait_killed(5)
            fleet.forget(leader)
            fault.took("next publishes", await watch.moves("relay", 40), NEXT_PUBLISHES_WITHIN_S)
        await load.finish()
    for relay in relays:
        if relay.lives:
            await fleet.end(relay.name)
    await fleet.start_member("relay")
    await settle(fault)
