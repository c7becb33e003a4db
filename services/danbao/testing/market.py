"""A simulated market day as three command files, the same bytes for the same seed (pure).

`simulate_market(trades, seed)` gives accounts, trades and windows as lines in the contract's form;
publish each to its end before the next, into an engine with the default policies.  Two seeds share
no id, so two days go into one engine.  Used by `danbao demo`, the load runs and the tests.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush, heapreplace
from pathlib import Path
from random import Random
from typing import Final

from danbao.testing.market_accounts import Opening
from danbao.testing.market_flow import CommandLine, MarketFlow
from danbao.testing.market_people import People
from danbao.testing.market_plan import Plan, Tally
from danbao.testing.market_trade import Trade
from danbao.testing.market_windows import Closing

TRADES_START_MS: Final = 3_600_000.0
ARRIVAL_MS: Final = 20.0
STEP_MS: Final = 1_200.0
FILE_NAMES: Final = ("1-accounts.jsonl.gz", "2-trades.jsonl.gz", "3-windows.jsonl.gz")


@dataclass(frozen=True, slots=True)
class CommandFile:
    """Lines that can be walked through again and again; they are made anew each time."""

    lines: Callable[[], Iterator[CommandLine]]

    def __iter__(self) -> Iterator[CommandLine]:
        """Walk through the lines in the order of the file."""
        return self.lines()


class MarketDay:
    """One day: what is in its three files."""

    def __init__(self, trades: int, seed: int) -> None:
        """Draw nothing yet."""
        self.trade_count = trades
        self.seed = seed
        self._people = People(trades, seed)
        self._plan = Plan(trades, seed, self._people)

    @property
    def accounts(self) -> CommandFile:
        """Accounts, money and block lists: to be published first."""
        return CommandFile(lambda: _in_a_row(Opening(self._people, self._tally).flows()))

    @property
    def trades(self) -> CommandFile:
        """The trades, their flows interleaved as they run side by side."""
        return CommandFile(lambda: _interleaved(self.trade_flows()))

    @property
    def windows(self) -> CommandFile:
        """Settlement of every merchant: to be published last."""
        end_ms = TRADES_START_MS + (self.trade_count + 1_000) * ARRIVAL_MS * 2
        return CommandFile(lambda: _in_a_row(Closing(self._people, self._tally, end_ms).flows()))

    @property
    def files(self) -> tuple[CommandFile, CommandFile, CommandFile]:
        """All three in their order."""
        return self.accounts, self.trades, self.windows

    def trade_flows(self) -> Iterator[MarketFlow]:
        """Walk through the trades one flow at a time, in the order of their first lines."""
        random = Random(f"{self.seed}/trades")  # noqa: S311  a game, not a secret
        at_ms = TRADES_START_MS
        for deal, scene in self._plan.deals(Tally()):
            at_ms += random.expovariate(1 / ARRIVAL_MS)
            flow = MarketFlow(deal.trade_id, self._people.source, random, at_ms, STEP_MS)
            scene.play(Trade(flow, deal, self._people))
            _double_some(flow)
            flow.wait()
            yield flow

    @cached_property
    def _tally(self) -> Tally:
        return self._plan.tally()


def simulate_market(trades: int, seed: int) -> MarketDay:
    """Return a day with so many trades; the lines are made while they are read."""
    return MarketDay(trades, seed)


def write_market(day: MarketDay, folder: Path) -> list[Path]:
    """Write the three files into a folder; the same day gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in FILE_NAMES]
    for path, lines in zip(paths, day.files, strict=True):
        with (
            path.open("wb") as file,
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed,
        ):
            packed.writelines(encode_lines(lines))
    return paths


def encode_lines(lines: Iterable[CommandLine]) -> Iterator[bytes]:
    """Turn lines into the bytes of a `.jsonl` file."""
    for line in lines:
        yield json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _double_some(flow: MarketFlow) -> None:
    """Send a command again, at once or when all is over: both happen to careful clients."""
    chance = flow.random.random()
    if chance < 0.02:  # noqa: PLR2004
        place = flow.random.randrange(len(flow.lines))
        flow.lines.insert(place, flow.lines[place])
    elif chance < 0.03:  # noqa: PLR2004
        flow.repeat(flow.random.choice(flow.commands))


def _in_a_row(flows: Iterable[MarketFlow]) -> Iterator[CommandLine]:
    """One flow after the other."""
    for flow in flows:
        for _, line in flow.lines:
            yield line


def _interleaved(flows: Iterable[MarketFlow]) -> Iterator[CommandLine]:
    """Merge flows by time; they come in the order of their first lines and keep their own order."""
    heap: list[tuple[float, int, int, MarketFlow]] = []
    for number, flow in enumerate(flows):
        start_ms = flow.lines[0][0]
        while heap and heap[0][0] <= start_ms:
            yield _step(heap)
        heappush(heap, (start_ms, number, 0, flow))
    while heap:
        yield _step(heap)


def _step(heap: list[tuple[float, int, int, MarketFlow]]) -> CommandLine:
    """Take the earliest line and put its flow back with the next."""
    _, number, place, flow = heap[0]
    if place + 1 < len(flow.lines):
        heapreplace(heap, (flow.lines[place + 1][0], number, place + 1, flow))
    else:
        heappop(heap)
    return flow.lines[place][1]
