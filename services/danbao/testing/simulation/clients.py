"""The clients of a simulation: they play a market day, hastily, twice, too late, or wrongly.

Each flow of `danbao.testing.market` is a client of its own.  It waits for what the day says that it
waits for, and goes on all the same when that does not come.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from datetime import UTC
from itertools import accumulate
from random import Random
from typing import Final

from danbao.contracts.catalogue import service_of
from danbao.kernel.records import time_text
from danbao.kernel.topics import commands_topic
from danbao.testing.market_accounts import Opening
from danbao.testing.market_flow import CommandLine, MarketFlow
from danbao.testing.market_people import People
from danbao.testing.market_plan import SCENES, Plan, Tally
from danbao.testing.market_trade import Trade
from danbao.testing.market_windows import Closing
from danbao.testing.simulation.faults import Fault
from danbao.testing.simulation.history import History, Sent
from danbao.testing.simulation.racing import RACED, racers
from danbao.testing.simulation.watch import Watch
from danbao.testing.simulation.world import World

BUYERS: Final = 10
MERCHANTS: Final = 5
OPENING_COMMANDS: Final = 40
"""About so many commands open the accounts and close the windows."""
COMMANDS_A_TRADE: Final = 4
LATE_S: Final = 2.0
AGAIN_S: Final = 15.0
STEP_S: Final = 0.05
RETRY_LETTERS_S: Final = 1.0

POLICIES: Final[dict[str, list[dict[str, int]]]] = {
    "settlement.fee": [{"fee_bps": -1}, {"fee_bps": 100}],
    "settlement.nothing": [{}],
}

UNREADABLE: Final[tuple[tuple[bytes, dict[str, bytes]], ...]] = (
    (b"{}", {"ce_id": b"not-a-uuid"}),
    (b"{", {"ce_type": b"with space"}),
    (b"", {"ce_id": b""}),
)


def market_flows(seed: int, commands: int) -> list[tuple[str, MarketFlow]]:
    """Make the flows of a small market, each with its kind, the first ones first."""
    trades = max(2, (commands - OPENING_COMMANDS) // COMMANDS_A_TRADE + 1)
    people = People(trades, seed, buyers_min=BUYERS, merchants_min=MERCHANTS)
    weights = list(accumulate(1 + scene.weight // 200 for scene in SCENES))
    plan = Plan(trades, seed, people, weights)
    tally = plan.tally()
    random = Random(f"{seed}/flows")  # noqa: S311 - a game, not a secret
    flows = [("opening", flow) for flow in Opening(people, tally).flows()]
    flows += [("closing", flow) for flow in _policies(people, random)]
    flows += [("closing", flow) for flow in Closing(people, tally, 0.0).flows()]
    for deal, scene in plan.deals(Tally()):
        flow = MarketFlow(deal.trade_id, people.source, random, 0.0, 1.0)
        scene.play(Trade(flow, deal, people))
        flows.append(("trade", flow))
    return flows


def _policies(people: People, random: Random) -> Iterator[MarketFlow]:
    """An operator changes a fee in the middle of the day, wrongly the first time."""
    for policy, bodies in POLICIES.items():
        flow = MarketFlow(policy, people.source, random, 0.0, 1.0)
        for body in bodies:
            data = {"policy": policy, "body": body}
            flow.send("settlement.publish_policy.v1", data, actor="operator:desk-3")
        yield flow


class Clients:
    """Sends the commands of one simulation."""

    def __init__(self, world: World, watch: Watch, history: History) -> None:
        """Nothing is sent yet."""
        self._world = world
        self._watch = watch
        self._history = history
        self._random = world.random
        self._tasks: list[asyncio.Task[None]] = []
        self._recent: list[CommandLine] = []

    async def run(self) -> None:
        """Send everything; returns when the last record lies in its topic."""
        options = self._world.plan.options
        left = options.commands
        for kind, flow in market_flows(options.seed, options.commands):
            lines = [line for _, line in flow.lines if "type" in line]
            lines, left = lines[:left], left - len(lines[:left])
            if lines:
                self._begin(self._flow(self._starts_at(kind), lines))
        self._begin(self._operator())
        while self._tasks:
            await self._tasks.pop()

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        self._tasks.append(self._world.loop.create_task(work))

    def _starts_at(self, kind: str) -> float:
        """When a flow begins; a hasty market does not wait until the accounts are open."""
        plan, random = self._world.plan, self._random
        if kind == "opening":
            return random.random()
        apart = plan.flows_apart_s * plan.options.commands / COMMANDS_A_TRADE
        if kind == "closing":
            return apart * (0.3 + random.random())
        is_early = Fault.HASTE in plan.chances
        return (0.0 if is_early else 2.0) + apart * random.random()

    async def _flow(self, start_s: float, lines: list[CommandLine]) -> None:
        await asyncio.sleep(start_s)
        for line in lines:
            if not self._world.strikes(Fault.HASTE):
                await self._wait(line)
            await asyncio.sleep(self._random.expovariate(1 / STEP_S))
            self._history.commands += 1
            await self._send_somehow(line)

    async def _wait(self, line: CommandLine) -> None:
        """Wait until the flow has seen what the line waits for, or patience ends."""
        after = line.get("after", ())
        wanted = {name: after.count(name) for name in after}
        key = line["partitionkey"]
        deadline = self._world.loop.time() + self._world.plan.patience_s
        while any(self._watch.seen[key][name] < count for name, count in wanted.items()):
            left = deadline - self._world.loop.time()
            if left <= 0 or not await self._watch.wait_for(key, left):
                return

    async def _send_somehow(self, line: CommandLine) -> None:
        """Send a line as the faults of the seed will have it."""
        world, random = self._world, self._random
        if world.strikes(Fault.UNREADABLE):
            self._send_unreadable(service_of(line["type"]), line["partitionkey"])
        if world.strikes(Fault.OTHER_BODY) and self._recent:
            other = {**random.choice(self._recent), "id": line["id"]}
            for _ in range(random.choice((1, 1, 2))):
                self._begin(self._send_late(other, random.random() * STEP_S))
        if line["type"] in RACED and world.strikes(Fault.RACE):
            for probe in racers(line, random):
                self._begin(self._send_late(probe, random.random() * STEP_S))
        if world.strikes(Fault.DUPLICATE):
            self._begin(self._send_late(line, random.random() ** 3 * AGAIN_S))
        if world.strikes(Fault.DELAY):
            self._begin(self._send_late(line, random.random() * LATE_S))
        else:
            await self._send(line)
        self._recent = [*self._recent[-20:], line]

    async def _send_late(self, line: CommandLine, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self._send(line)

    async def _send(self, line: CommandLine) -> None:
        """Lay a command into its topic."""
        world = self._world
        await world.kafka.back.wait()
        sent = Sent(line["id"], line["type"], line["partitionkey"], line.get("actor"), line["data"])
        headers = self._headers(sent.id, sent.type, sent.partition_key)
        if sent.actor is not None:
            headers["ce_actor"] = sent.actor.encode()
        value = json.dumps(sent.data, ensure_ascii=False).encode()
        self._history.add(sent)
        world.note("sent", sent.type, sent.id)
        world.broker.send(
            commands_topic(service_of(sent.type)),
            sent.partition_key.encode(),
            value,
            tuple(headers.items()),
        )

    def _send_unreadable(self, service: str, key: str) -> None:
        value, changes = self._random.choice(UNREADABLE)
        headers = self._headers("", f"{service}.nothing.v1", key) | changes
        record = self._world.broker.send(
            commands_topic(service), key.encode(), value, tuple(headers.items())
        )
        self._history.unreadable.add((record.place, record.offset))
        self._history.records += 1

    def _headers(self, command_id: str, command_type: str, key: str) -> dict[str, bytes]:
        return {
            "ce_specversion": b"1.0",
            "ce_id": command_id.encode(),
            "ce_type": command_type.encode(),
            "ce_source": b"danbao/simulation",
            "ce_time": time_text(self._world.now().astimezone(UTC)).encode(),
            "ce_partitionkey": key.encode(),
            "content-type": b"application/json",
        }

    async def _operator(self) -> None:
        """Have dead letters tried again, as long as there are any to come."""
        if Fault.UNREADABLE not in self._world.plan.chances:
            return
        letters = self._world.tables.letters
        for _ in range(10):
            await asyncio.sleep(self._random.expovariate(1 / RETRY_LETTERS_S))
            for key, stored in list(letters.items()):
                if stored.state == "waiting" and self._random.random() < 0.3:  # noqa: PLR2004
                    letters[key] = stored._replace(state="requested")
