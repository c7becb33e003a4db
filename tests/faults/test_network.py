"""The network between processes and their servers fails in every way, while trades go through.

Each process under test reaches its server through a proxy, which counts what it did to it.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from random import Random

import pytest
from tests.faults.behind import behind_kafka, behind_postgres
from tests.faults.commits import ANSWER_LOST, COMMIT_LOST, CommitThief
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, NotHitError
from tests.faults.load import Load
from tests.faults.proxy import DOWN, UP, Proxy
from tests.faults.record import FaultRecord
from tests.faults.watch import Watch

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

FOUND_WITHIN_S = 15.0
BACK_WITHIN_S = {"kafka": 30.0, "postgres": 5.0}
KINDS = {
    "kafka": ("escrow", "authorization", "relay"),
    "postgres": ("escrow", "relay", "scheduler"),
}
SERVERS = pytest.mark.parametrize("server", ["kafka", "postgres"])
LATENCY_S = {"kafka": (0.05, 0.45), "postgres": (0.0, 0.05)}
"""One way, so that a request and its answer take 500 ms, give or take 400, to Kafka."""

Through = Callable[..., AbstractAsyncContextManager[Proxy]]


def proxied(fleet: Fleet, server: str, random: Random) -> AbstractAsyncContextManager[Proxy]:
    """Put the kinds of a server behind a proxy to it."""
    if server == "kafka":
        proxy = Proxy.for_kafka(fleet.settings.kafka_bootstrap, random)
        return behind_kafka(fleet, proxy, *KINDS[server])
    proxy = Proxy.for_postgres(fleet.settings.postgres_dsn, random)
    return behind_postgres(fleet, proxy, *KINDS[server])


async def all_move(fleet: Fleet, kinds: tuple[str, ...], within_s: float) -> float:
    """Wait until each of these is further than now; gives the seconds of the last."""
    async with AsyncExitStack() as stack:
        watches = [await stack.enter_async_context(Watch(fleet)) for _ in kinds]
        moves = (watch.moves(kind, within_s) for watch, kind in zip(watches, kinds, strict=True))
        return max(await asyncio.gather(*moves))


@pytest.mark.parametrize(
    "times", [pytest.param(10, marks=pytest.mark.brief), pytest.param(100, id="a hundred")]
)
async def test_a_commit_whose_answer_is_lost_is_found_out_and_never_done_twice(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    times: int,
) -> None:
    """It was committed or not, and nobody was told: only reading back tells."""
    kinds = ("escrow", "authorization", "settlement")
    proxy = Proxy.for_postgres(fleet.settings.postgres_dsn, random)
    async with (
        behind_postgres(fleet, proxy, *kinds),
        Load(fleet, load_seed, trades=20 * times + 260, rate=25) as load,
    ):
        thief = CommitThief(proxy, random, share=0.5)
        proxy.hooks.append(thief)
        for what in (COMMIT_LOST, ANSWER_LOST):
            await proxy.has_done(what, times, 60 + times)
        proxy.hooks.remove(thief)
        fault = faults.hit("lost COMMITs", f"{dict(proxy.did)}, {', '.join(kinds)}")
        fault.took("all go on", await all_move(fleet, kinds, 20), BACK_WITHIN_S["postgres"])
        await load.finish()
        unknown = [fleet.members[f"{kind}-0"].words.count("outcome_unknown") for kind in kinds]
        if sum(unknown) < 2 * times:
            raise NotHitError(f"outcomes unknown to {kinds}: {unknown} of {dict(proxy.did)}")
    await settle(fault)


@SERVERS
@pytest.mark.brief
async def test_connections_that_died_without_a_word_are_found_within_fifteen_seconds(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    server: str,
) -> None:
    """A firewall forgot them: what is sent arrives nowhere, and nothing ever comes."""
    kinds = KINDS[server]
    async with (
        proxied(fleet, server, random) as proxy,
        Load(fleet, load_seed, trades=450, rate=25) as load,
    ):
        await load.more(random.randint(20, 100))
        proxy.forget()
        took = await all_move(fleet, kinds, FOUND_WITHIN_S + 30)
        await proxy.has_done("swallowed", len(kinds), 1)
        fault = faults.hit("half-open", f"{kinds} and {server}: {dict(proxy.did)}")
        fault.took("found, and on", took, FOUND_WITHIN_S)
        await load.finish()
    await settle(fault)


@SERVERS
@pytest.mark.parametrize("direction", [UP, DOWN])
async def test_a_network_that_passes_one_way_only_holds_things_up_and_no_more(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    server: str,
    direction: str,
) -> None:
    """What was kept back arrives in the end, long after its sender gave up."""
    kinds = KINDS[server]
    async with (
        proxied(fleet, server, random) as proxy,
        Load(fleet, load_seed, trades=900, rate=25) as load,
    ):
        await load.more(random.randint(20, 100))
        proxy.hold(direction)
        await asyncio.sleep(20)  # the fault itself
        await proxy.has_done(f"held {direction}", len(kinds), 1)
        fault = faults.hit(f"nothing passes {direction}", f"{server} for 20 s, {kinds}")
        proxy.mend()
        fault.took("all go on", await all_move(fleet, kinds, 60), 30)
        await load.finish()
    await settle(fault)


@SERVERS
@pytest.mark.parametrize("seconds", [20, 90])
async def test_a_network_that_is_cut_for_a_while_holds_things_up_and_no_more(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    server: str,
    seconds: int,
) -> None:
    """Connections are reset and new ones refused; nobody gives up, nobody has to be started."""
    kinds = KINDS[server]
    async with (
        proxied(fleet, server, random) as proxy,
        Load(fleet, load_seed, trades=20 * (seconds + 20), rate=20, patience_s=200) as load,
    ):
        await load.more(random.randint(20, 100))
        proxy.cut()
        await asyncio.sleep(seconds)  # the fault itself
        await proxy.has_done("refused", 10, 1)
        fault = faults.hit(f"cut for {seconds} s", f"{kinds} from {server}: {dict(proxy.did)}")
        proxy.mend()
        fault.took("all go on", await all_move(fleet, kinds, 60), BACK_WITHIN_S[server])
        assert all(fleet.members[f"{kind}-0"].lives for kind in kinds)
        await load.finish()
    await settle(fault)


@SERVERS
async def test_a_slow_network_slows_and_does_not_stop(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    server: str,
) -> None:
    """Half a second to Kafka and back; then 64 kB a second, in pieces of a byte and a few."""
    kinds = KINDS[server]
    async with (
        proxied(fleet, server, random) as proxy,
        Load(fleet, load_seed, trades=700, rate=20, patience_s=120) as load,
    ):
        await load.more(20)
        proxy.delay_s = LATENCY_S[server]
        longest = max([await load.more(20, 60) for _ in range(5)])
        await proxy.has_done("delayed", 20, 1)
        proxy.mend()
        proxy.piece_bytes, proxy.bytes_a_second = 200, 64_000
        longest = max(longest, *[await load.more(20, 60) for _ in range(5)])
        await proxy.has_done("in pieces", 20, 1)
        fault = faults.hit("slow network", f"{kinds} to {server}: {dict(proxy.did)}")
        fault.took("longest for 20 answers", longest, 40)
        proxy.mend()
        await load.finish()
    await settle(fault)


async def test_a_link_to_postgres_too_slow_for_any_batch_sets_nothing_aside(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """No transaction can end within its limit: that is nobody's command's fault."""
    kinds = ("escrow", "authorization")
    proxy = Proxy.for_postgres(fleet.settings.postgres_dsn, random)
    async with (
        behind_postgres(fleet, proxy, *kinds),
        Load(fleet, load_seed, trades=700, rate=20, patience_s=120) as load,
    ):
        await load.more(20)
        proxy.delay_s = (0.3, 0.7)
        await asyncio.sleep(30)  # the fault itself
        proxy.mend()
        said = "".join(fleet.members[f"{kind}-0"].words for kind in kinds)
        given_up = said.count('"batch.interrupted"') + said.count('"batch.retried"')
        if not given_up:
            raise NotHitError("every batch was in time")
        fault = faults.hit("very slow network", f"{kinds} to postgres, {given_up} batches ended")
        fault.took("all go on", await all_move(fleet, kinds, 30), 15)
        assert "record.set_aside" not in said
        await load.finish()
    await settle(fault)


@SERVERS
async def test_connections_that_break_in_the_middle_of_a_message_do_no_harm(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    server: str,
) -> None:
    """Half a request has not happened; half an answer has been given."""
    kinds = KINDS[server]
    async with (
        proxied(fleet, server, random) as proxy,
        Load(fleet, load_seed, trades=700, rate=30) as load,
    ):
        for number in range(1, 11):
            for direction in (UP, DOWN):
                proxy.break_next(direction)
                await proxy.has_done(f"broken {direction}", number, 30)
            await load.more(5)
        fault = faults.hit("reset in mid-frame", f"{kinds} and {server}: {dict(proxy.did)}")
        fault.took("all go on", await all_move(fleet, kinds, 40), BACK_WITHIN_S[server])
        await load.finish()
    await settle(fault)
