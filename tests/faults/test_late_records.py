"""What the relay has sent to Kafka arrives late: sent again, given up, its sender dead or frozen.

Its Produce is kept back by a proxy, so that it is on its way for certain; the broker takes it as
long as nobody else has opened the topics, and refuses it behind a fence.
"""

import asyncio
import signal
from random import Random

import pytest
from tests.faults.behind import behind_kafka
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, NotHitError, until
from tests.faults.late import LateRecords
from tests.faults.load import Load
from tests.faults.proxy import Proxy
from tests.faults.record import Fault, FaultRecord
from tests.faults.watch import Watch

from danbao.kernel.kafka.sink import DEADLINE_S

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

NEXT_PUBLISHES_WITHIN_S = 10.0
READERS_WITHIN_S = 10.0
FROZEN_S = 30
"""Longer than the lease, and than any session."""
TAKEN, OUT_OF_ORDER, DOUBLE, FENCED = 0, 45, 46, 47
"""Kafka's answers; to a double it also says that it was taken, as long as it remembers it."""


def relay_proxy(fleet: Fleet, random: Random) -> Proxy:
    """A proxy for the relay's Kafka."""
    return Proxy.for_kafka(fleet.settings.kafka_bootstrap, random)


async def stands_by(fleet: Fleet) -> None:
    """Start a second relay; return once it has seen that another one leads."""
    second = await fleet.start_member("relay", 1)
    await until(lambda: "relay.standing_by" in second.words, 30, "the second relay stands by")


async def goes_on(watch: Watch, fault: Fault) -> None:
    """Hold the relay and a reader of events against their bars."""
    fault.took("published", await watch.moves("relay", 40), NEXT_PUBLISHES_WITHIN_S)
    fault.took("read", await watch.moves("authorization", 40), READERS_WITHIN_S)


@pytest.mark.brief
async def test_records_that_arrive_when_they_were_sent_again_are_there_once(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """The client does it by itself when its connection breaks, with the same numbers."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=400, rate=40) as load,
    ):
        late = LateRecords(proxy, resets=True)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        fault = faults.hit("late Produce", "its sender sends it again")
        await goes_on(watch, fault)
        late.let_go()
        assert await late.wait_answered(10) in {TAKEN, OUT_OF_ORDER, DOUBLE}
        await load.finish()
    await settle(fault)


async def test_records_that_arrive_when_their_producer_was_given_up_are_refused(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """The relay does not wait for an answer for ever, and fences itself."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=700, rate=25) as load,
    ):
        late = LateRecords(proxy)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        fault = faults.hit("Produce unanswered", "the relay's")
        took = await watch.moves("relay", 60)
        fault.took("given up, and on", took, DEADLINE_S + NEXT_PUBLISHES_WITHIN_S)
        late.let_go()
        assert await late.wait_answered(10) == FENCED
        assert "outcome_unknown" in fleet.members["relay-0"].words
        await goes_on(watch, fault)
        await load.finish()
    await settle(fault)


@pytest.mark.brief
async def test_records_of_a_relay_that_was_killed_are_refused_behind_the_next_one(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """They were on their way when it died, and the next one has published them since."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=400, rate=30) as load,
    ):
        await stands_by(fleet)
        late = LateRecords(proxy)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        victim = fleet.members["relay-0"]
        victim.send(signal.SIGKILL)
        await victim.wait_killed(5)
        fault = faults.hit("SIGKILL", "a relay with records on their way, another stands by")
        fleet.forget(victim)
        await goes_on(watch, fault)
        late.let_go()
        if await late.wait_answered(10) != FENCED:
            raise NotHitError("the dead relay's records were not refused")
        await load.finish()
    await fleet.end("relay-1")
    await settle(fault)


@pytest.mark.parametrize("stood_by", [True, False], ids=["another-stands-by", "alone"])
async def test_records_of_a_relay_that_was_frozen_are_there_once(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    *,
    stood_by: bool,
) -> None:
    """Frozen for longer than its lease: another one has published them, or it does itself."""
    proxy = relay_proxy(fleet, random)
    async with (
        behind_kafka(fleet, proxy, "relay"),
        Load(fleet, load_seed, trades=1500, rate=25) as load,
    ):
        if stood_by:
            await stands_by(fleet)
        late = LateRecords(proxy)
        await load.more(random.randint(1, 100))
        late.arm()
        await late.wait_held()
        zombie = fleet.members["relay-0"]
        zombie.send(signal.SIGSTOP)
        await zombie.wait_frozen(5)
        who = "another stands by" if stood_by else "alone"
        fault = faults.hit("SIGSTOP", f"a relay with records on their way, {FROZEN_S} s, {who}")
        if stood_by:
            await goes_on(watch, fault)
        await asyncio.sleep(FROZEN_S)  # the fault itself
        zombie.send(signal.SIGCONT)
        late.let_go()
        assert await late.wait_answered(10) in ({FENCED} if stood_by else {TAKEN, FENCED})
        await goes_on(watch, fault)
        assert zombie.words.count("relay.leading") == 1
        await load.finish()
    if stood_by:
        await fleet.end("relay-1")
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
