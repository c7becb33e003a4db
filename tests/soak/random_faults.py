"""The faults of a soak: drawn by seed, made, and waited for until all goes on."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from tests.faults.fleet import Fleet
from tests.faults.record import Fault, FaultRecord
from tests.faults.watch import QUIET, Watch
from tests.integration.bad_commands import ALL
from tests.integration.wire import Raw, Wire

from danbao.app import PROCESSES, SERVICES

PARTITIONS = 8
FROZEN_S = 10
BACK_WITHIN_S = 30.0
REBALANCED_S = 4
DUPLICATES = 200


@dataclass(slots=True)
class RandomFaults:
    """Everything that may go wrong, one at a time."""

    fleet: Fleet
    watch: Watch
    record: FaultRecord
    random: Random
    sent: list[Raw]
    """Commands that were sent already; they are sent again."""
    spoilt: int = 0
    _deck: list[Callable[[], Awaitable[Fault]]] = field(default_factory=list)
    """Each kind once, shuffled; then all of them again."""

    async def next(self) -> Fault:
        """Make one fault, and wait until what it hit is back at work."""
        if not self._deck:
            self._deck = [
                self._kill,
                self._freeze,
                self._server_dies,
                self._rebalance,
                self._bad_records,
                self._duplicates,
            ]
            self.random.shuffle(self._deck)
        fault = await self._deck.pop()()
        fault.took("commits", await self.watch.moves("head", BACK_WITHIN_S + 10), BACK_WITHIN_S)
        fault.verdict = "went on"
        return fault

    async def _kill(self) -> Fault:
        victim = self.fleet.members[f"{self.random.choice(PROCESSES)}-0"]
        victim.send(signal.SIGKILL)
        await victim.wait_killed(5)
        fault = self.record.hit("SIGKILL", victim.name)
        self.fleet.forget(victim)
        self.fleet.spawn(victim.kind)
        return await self._back(fault, victim.kind)

    async def _freeze(self) -> Fault:
        victim = self.fleet.members[f"{self.random.choice(PROCESSES)}-0"]
        victim.send(signal.SIGSTOP)
        await victim.wait_frozen(5)
        fault = self.record.hit("SIGSTOP", f"{victim.name} for {FROZEN_S} s")
        await asyncio.sleep(FROZEN_S)  # the fault itself
        victim.send(signal.SIGCONT)
        if not victim.lives:  # fenced, with a reason
            self.fleet.forget(victim)
            self.fleet.spawn(victim.kind)
        return await self._back(fault, victim.kind)

    async def _server_dies(self) -> Fault:
        name, is_hard = self.random.choice(["postgres", "kafka"]), self.random.random() < 0.5
        before, servers = self.fleet.server_pid(name), self.fleet.servers
        if is_hard:
            servers.kill(name)
            await servers.start()
        elif name == "kafka":
            await servers.restart_kafka()
        else:
            await servers.restart_postgres()
        assert self.fleet.server_pid(name) != before
        fault = self.record.hit("SIGKILL" if is_hard else "restart", name)
        return await self._back(fault, "relay")

    async def _rebalance(self) -> Fault:
        kind = self.random.choice(list(SERVICES))
        member = await self.fleet.start_member(kind, 1)
        fault = self.record.hit("rebalance", f"a second {kind} joins and leaves")
        await asyncio.sleep(REBALANCED_S)
        await self.fleet.end(member.name, self.random.choice([signal.SIGTERM, signal.SIGKILL]), 10)
        return await self._back(fault, kind)

    async def _bad_records(self) -> Fault:
        self.spoilt += 1
        run = f"soak-{self.record.seed}-{self.spoilt}"
        bad = [(one.raw(run), self.random.randrange(PARTITIONS)) for one in ALL]
        async with Wire(self.fleet.engine) as wire:
            await wire.send_all(bad)
        return self.record.hit("bad records", f"{len(bad)} to escrow")

    async def _duplicates(self) -> Fault:
        again = self.random.choices(self.sent, k=DUPLICATES)
        async with Wire(self.fleet.engine) as wire:
            await wire.send_all([(raw, self.random.randrange(PARTITIONS)) for raw in again])
        return self.record.hit("duplicates", f"{len(again)} commands of earlier, any partition")

    async def _back(self, fault: Fault, kind: str) -> Fault:
        if kind not in QUIET | {"bookkeeper"}:
            fault.took("back", await self.watch.moves(kind, BACK_WITHIN_S + 10), BACK_WITHIN_S)
        return fault


async def at_intervals(
    faults: RandomFaults, every_s: float, until_s: float, say: Callable[[str], None]
) -> None:
    """Make a fault every so many seconds, at a random moment of each, and say so."""
    begun = time.monotonic()
    number = 0
    while (number + 1) * every_s <= until_s:
        moment = (number + faults.random.uniform(0.1, 0.4)) * every_s
        await asyncio.sleep(max(0.0, begun + moment - time.monotonic()))
        fault = await faults.next()
        times = ", ".join(f"{what} {s:.1f} s" for what, s in fault.recovered_s.items())
        say(f"{time.monotonic() - begun:6.0f} s  {fault.name}: {fault.where}: {times}")
        number += 1
