"""Runs command files through the publisher's schedule against the model, in a drawn order."""

import json
from collections import Counter, deque
from collections.abc import Iterable
from random import Random
from typing import Any

from tests.unit.testing.market_model import Seen
from tests.unit.testing.market_trades import Market

from danbao.publisher.commandfile import parse_lines
from danbao.publisher.flows import Schedule
from danbao.testing.market import encode_lines

Line = dict[str, Any]


class StuckError(AssertionError):
    """Flows are open and nothing more will come."""


def run(files: Iterable[Iterable[Line]], random: Random, in_flight: int = 200) -> Market:
    """Publish file after file; commands arrive, and timers fire, in any order.

    As on Kafka, commands of one flow to one service keep their order, and no others do.
    """
    texts = [list(encode_lines(lines)) for lines in files]
    schedule = Schedule(list(parse_lines(file, "day")) for file in texts)
    market = Market(random)
    for file in texts:
        schedule.begin()
        _run_file(schedule, market, file, random, in_flight)
    return market


def _run_file(
    schedule: Schedule, market: Market, texts: list[bytes], random: Random, in_flight: int
) -> None:
    queues: list[deque[Line]] = []
    by_flow: dict[tuple[str, str], deque[Line]] = {}
    while True:
        schedule.start(in_flight - schedule.open_flows)
        for _, ready in schedule.take_ready():
            queue = by_flow.setdefault((ready.service, ready.partitionkey), deque())
            if not queue:
                queues.append(queue)
            queue.append(json.loads(texts[ready.number - 1]))
        if schedule.is_file_done and not queues:
            return
        seen: list[Seen] = []
        if queues and random.random() < 0.8:
            place = random.randrange(len(queues))
            queues[place], queues[-1] = queues[-1], queues[place]
            seen = market.answer(queues[-1].popleft())
            if not queues[-1]:
                queues.pop()
        else:
            seen = market.fire()
            if not seen and not queues:
                raise StuckError("\n".join(map(str, schedule.stuck())))
        for key, name, cause, _ in seen:
            schedule.observe(key, name, cause)


def counts(market: Market) -> Counter[str]:
    """What must not depend on the order: events by type, and codes."""
    return market.events + market.codes
