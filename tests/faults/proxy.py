"""A TCP proxy between one process and Kafka or Postgres, which does to the network what tests ask.

It knows where messages begin and end, so a fault hits in the middle of one, or exactly a COMMIT.
Kafka's clients go where its answers send them: the proxy writes its own port over the broker's.
It counts what it did: a test whose fault did not hit has tested nothing.
"""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Self, TypeAlias

from tests.faults.fleet import NotHitError, until
from tests.faults.frames import (
    FIND_COORDINATOR,
    METADATA,
    Cut,
    correlation_of,
    kafka_messages,
    postgres_requests,
    postgres_responses,
    request_of,
)

LOOPBACK = "127.0.0.1"
READ_BYTES = 65_536
LINGER = struct.pack("ii", 1, 0)
"""With this, closing sends a reset and drops what waits."""
UP, DOWN = "up", "down"
"""From the client to the server, and back."""
HEAD_BYTES = 16
BREAKABLE_BYTES = 24
ARRIVES_WITHIN_S = 0.05


@dataclass(slots=True, eq=False)
class Wire:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_old: bool = False
    """Made before the network lost its memory: nothing passes on it any more."""
    asked: dict[int, int] = field(default_factory=dict)
    """Kafka: the api key of each request that has no answer yet, by correlation id."""

    def to(self, direction: str) -> asyncio.StreamWriter:
        """The far side of a direction."""
        return self.server if direction == UP else self.client

    def reset(self) -> None:
        """Both sides see a reset, now."""
        for writer in (self.client, self.server):
            opened = writer.get_extra_info("socket")
            if opened is not None and not writer.is_closing():
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            writer.transport.abort()


Hook: TypeAlias = Callable[[Wire, str, bytes], Awaitable[bytes]]
"""Sees each whole message and its direction; gives what goes on instead of it, maybe nothing."""


@dataclass(slots=True)
class Proxy:
    """Listens on a port of its own; each connection is carried on to `target`."""

    target: tuple[str, int]
    cuts: dict[str, Cut]
    random: Random
    did: Counter[str] = field(default_factory=Counter)
    """What hit, and how often."""
    hooks: list[Hook] = field(default_factory=list)
    delay_s: tuple[float, float] = (0.0, 0.0)
    """What comes at once is later by something between these, in each direction."""
    piece_bytes: int = 0
    """It comes in pieces of at most so many, its head byte by byte; 0 means: whole."""
    bytes_a_second: float = 0.0
    refuses: bool = False
    wires: set[Wire] = field(default_factory=set)
    _breaks: Counter[str] = field(default_factory=Counter)
    _gates: dict[str, asyncio.Event] = field(default_factory=dict)
    _listener: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    def for_kafka(cls, bootstrap: str, random: Random) -> Self:
        """A proxy to a broker."""
        host, port = bootstrap.rsplit(":", 1)
        proxy = cls((host, int(port)), {UP: kafka_messages, DOWN: kafka_messages}, random)
        proxy.hooks.append(proxy._advertise)
        return proxy

    @classmethod
    def for_postgres(cls, dsn: str, random: Random) -> Self:
        """A proxy to a Postgres."""
        host, port = dsn.rsplit("@", 1)[-1].split("/", 1)[0].rsplit(":", 1)
        return cls((host, int(port)), {UP: postgres_requests, DOWN: postgres_responses}, random)

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._listener is not None
        return f"{LOOPBACK}:{self._listener.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        """Listen."""
        for direction in (UP, DOWN):
            self._gates[direction] = asyncio.Event()
            self._gates[direction].set()
        self._listener = await asyncio.start_server(self._accept, LOOPBACK, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every connection."""
        assert self._listener is not None
        self._listener.close()
        for wire in list(self.wires):
            wire.reset()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def reset_all(self) -> None:
        """Reset every connection."""
        for wire in list(self.wires):
            self.did["reset"] += 1
            wire.reset()

    def cut(self) -> None:
        """No network: connections are reset, new ones refused."""
        self.refuses = True
        self.reset_all()

    def hold(self, *directions: str) -> None:
        """Half-open: what is sent this way does not arrive before `mend`, and then all of it."""
        for direction in directions:
            self._gates[direction].clear()

    def forget(self) -> None:
        """What is connected now is dead and nobody is told; new connections work."""
        for wire in self.wires:
            wire.is_old = True
            self.did["forgotten"] += 1

    def break_next(self, direction: str) -> None:
        """The next message this way ends in its middle, with a reset."""
        self._breaks[direction] += 1

    def mend(self) -> None:
        """All is well from now on; what was held goes on its way."""
        self.refuses, self.delay_s, self.piece_bytes, self.bytes_a_second = False, (0.0, 0.0), 0, 0
        for gate in self._gates.values():
            gate.set()

    async def has_done(self, what: str, times: int, within_s: float) -> None:
        """Wait until a fault has hit so often in all."""
        await until(lambda: self.did[what] >= times, within_s, f"{what} {times} times", NotHitError)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self.refuses:
            self.did["refused"] += 1
            client.transport.abort()
            return
        try:
            back, server = await asyncio.open_connection(*self.target)
        except OSError:
            client.transport.abort()
            return
        wire = Wire(client, server)
        self.wires.add(wire)
        self.did["connections"] += 1
        ways = {
            asyncio.create_task(self._carry(wire, UP, reader)),
            asyncio.create_task(self._carry(wire, DOWN, back)),
        }
        self._tasks |= ways
        await asyncio.wait(ways)
        self._tasks -= ways
        self.wires.discard(wire)

    async def _carry(self, wire: Wire, direction: str, reader: asyncio.StreamReader) -> None:
        """Carry one way until its near side ends, then end its far side."""
        buffer = bytearray()
        with suppress(OSError):
            while data := await reader.read(READ_BYTES):
                buffer += data
                out = bytearray()
                for message in self.cuts[direction](buffer):
                    for hook in self.hooks:
                        if not message:
                            break
                        message = await hook(wire, direction, message)  # noqa: PLW2901
                    out += message
                if out:
                    await self._pass(wire, direction, bytes(out))
        await self._arrive(wire, direction)
        wire.to(direction).close()

    async def _arrive(self, wire: Wire, direction: str) -> None:
        """Wait as long as the network keeps things back."""
        if not self._gates[direction].is_set():
            self.did[f"held {direction}"] += 1
            await self._gates[direction].wait()
        if wire.is_old:
            self.did["swallowed"] += 1
            await asyncio.Event().wait()  # for ever; the proxy's end cancels it

    async def _pass(self, wire: Wire, direction: str, data: bytes) -> None:
        if self.delay_s[1]:
            self.did["delayed"] += 1
            await asyncio.sleep(self.random.uniform(*self.delay_s))
        await self._arrive(wire, direction)
        writer = wire.to(direction)
        if self._breaks[direction] and len(data) >= BREAKABLE_BYTES:
            self._breaks[direction] -= 1
            self.did[f"broken {direction}"] += 1
            writer.write(data[: self.random.randint(1, len(data) - 1)])
            await asyncio.sleep(ARRIVES_WITHIN_S)
            wire.reset()
            return
        for piece in self._pieces(data):
            writer.write(piece)
            await writer.drain()
            if self.bytes_a_second:
                await asyncio.sleep(len(piece) / self.bytes_a_second)

    def _pieces(self, data: bytes) -> list[bytes]:
        """Cut what goes on: its head byte by byte, as that is where readers err."""
        if not self.piece_bytes:
            return [data]
        self.did["in pieces"] += 1
        pieces = [data[place : place + 1] for place in range(min(HEAD_BYTES, len(data)))]
        place = HEAD_BYTES
        while place < len(data):
            size = self.random.randint(1, self.piece_bytes)
            pieces.append(data[place : place + size])
            place += size
        return pieces

    async def _advertise(self, wire: Wire, direction: str, message: bytes) -> bytes:
        """Kafka: where an answer says to whom to go, say: to us."""
        if direction == UP:
            request = request_of(message)
            wire.asked[request.correlation_id] = request.api_key
            return message
        if wire.asked.pop(correlation_of(message), None) not in {METADATA, FIND_COORDINATOR}:
            return message
        host, port = LOOPBACK.encode(), int(self.address.rsplit(":", 1)[-1])
        theirs, ours = (host + struct.pack(">i", each) for each in (self.target[1], port))
        return message.replace(theirs, ours)
