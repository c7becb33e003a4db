"""A bare echo on Kafka: what any service costs that does nothing at all, and keeps no promise.

`python -m danbao.bench.echo BOOTSTRAP` reads one topic and sends every record on into another, a
future for each, as a plain aiokafka service does; the rest of this file drives and times it.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import psutil
import uvloop
from aiokafka import TopicPartition

from danbao.bench.histogram import Histogram
from danbao.kernel.kafka.clients import make_consumer, make_producer
from danbao.kernel.topics import ensure_topic
from danbao.publisher.batches import BatchSender, OutRecord

INTO, BACK = "bench.echo.in", "bench.echo.out"
PARTITIONS = 8
VALUE = b'{"trade_id":"T-1","carrier":"SF","tracking_no":"SF1","filled":"' + b"x" * 120 + b'"}'
TICK_S = 0.003
STILL_S_MAX = 20.0
READY = b"ready\n"


async def echo(bootstrap: str) -> None:
    """Send back whatever comes, until terminated."""
    consumer = make_consumer(bootstrap, client_id="bench-echo", fetch_max_wait_ms=50)
    producer = make_producer(bootstrap, client_id="bench-echo")
    await consumer.start()
    await producer.start()
    partitions = [TopicPartition(INTO, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    for partition, end in (await consumer.end_offsets(partitions)).items():
        consumer.seek(partition, end)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    while True:
        fetched: dict[Any, list[Any]] = await consumer.getmany(timeout_ms=1_000)
        sent = [
            await producer.send(
                BACK,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            for records in fetched.values()
            for record in records
        ]
        if sent:
            await asyncio.wait(sent)


@asynccontextmanager
async def running_echo(bootstrap: str) -> AsyncIterator[int]:
    """Run the echo as a process of its own; gives its process id."""
    for topic in (INTO, BACK):
        await ensure_topic(bootstrap, topic, PARTITIONS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "danbao.bench.echo", bootstrap, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class EchoLoad:
    """Sends records and waits for them to come back."""

    def __init__(self, bootstrap: str) -> None:
        self._sender = BatchSender(bootstrap, client_id="danbao-bench")
        self._consumer = make_consumer(
            bootstrap, client_id="danbao-bench-echo", fetch_max_wait_ms=50, check_crcs=False
        )
        self.latency = Histogram()
        self._due: dict[bytes, float] = {}
        self._random = Random(1)  # noqa: S311 - arrivals, not secrets

    async def run(self, count: int, *, rate: float | None, in_flight: int) -> float:
        """Send so many records at a rate, by Poisson, or with so many in flight; gives seconds."""
        await self._sender.start()
        await self._consumer.start()
        try:
            partitions = [TopicPartition(BACK, number) for number in range(PARTITIONS)]
            self._consumer.assign(partitions)
            for partition, end in (await self._consumer.end_offsets(partitions)).items():
                self._consumer.seek(partition, end)
            return await self._through(count, rate, in_flight)
        finally:
            await self._sender.stop()
            await self._consumer.stop()

    async def _through(self, count: int, rate: float | None, in_flight: int) -> float:
        begun_at = next_at = moved_at = time.perf_counter()
        sent = back = 0
        while back < count:
            now = time.perf_counter()
            due: list[float] = []
            while sent + len(due) < count:
                if rate is None:
                    if sent + len(due) - back >= in_flight:
                        break
                    due.append(now)
                    continue
                if next_at > now:
                    break
                due.append(next_at)
                next_at += self._random.expovariate(rate)
            await self._send(due, sent)
            sent += len(due)
            await asyncio.sleep(TICK_S)
            came = await self._take()
            back += came
            moved_at = now if came or due else moved_at
            if now - moved_at > STILL_S_MAX:
                raise TimeoutError(f"the echo is silent: {back} of {count} came back")
        return time.perf_counter() - begun_at

    async def _send(self, due: list[float], first: int) -> None:
        batches: dict[int, list[OutRecord]] = {}
        for number, at in enumerate(due, start=first):
            key = b"%d" % number
            self._due[key] = at
            headers = [
                ("ce_id", key),
                ("ce_type", b"escrow.ship_trade.v1"),
                ("ce_source", b"bench"),
            ]
            batches.setdefault(number % PARTITIONS, []).append((key, VALUE, headers))
        for partition, records in batches.items():
            await self._sender.send(INTO, partition, records, int(time.perf_counter() * 1000))
        self._sender.check()

    async def _take(self) -> int:
        fetched = await self._consumer.getmany(timeout_ms=50)
        now = time.perf_counter()
        for records in fetched.values():
            for record in records:
                self.latency.add((now - self._due.pop(record.key)) * 1000)
        return sum(len(records) for records in fetched.values())


async def measure_echo(
    bootstrap: str, count: int, *, rate: float | None = None, in_flight: int = 4_000
) -> dict[str, Any]:
    """Time so many records there and back; processor time is the echo's own."""
    async with running_echo(bootstrap) as pid:
        load, times = EchoLoad(bootstrap), psutil.Process(pid).cpu_times()
        seconds = await load.run(count, rate=rate, in_flight=in_flight)
        used = psutil.Process(pid).cpu_times()
    spent = used.user + used.system - times.user - times.system
    return {
        "records": count,
        "records_per_s": count / seconds,
        "cpu_us_per_record": spent / count * 1e6,
        "latency": load.latency.figures(),
    }


if __name__ == "__main__":
    try:
        uvloop.run(echo(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(0)
