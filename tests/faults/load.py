"""Load with a known end: whole trades and trades nobody pays, published while a fault happens."""

import asyncio
from collections.abc import Iterator
from typing import Self
from uuid import NAMESPACE_OID, uuid5

from aiokafka.errors import KafkaError
from tests.faults.fleet import Fleet, until
from tests.integration.running_engine import RunningEngine

from danbao.bench.whole_trades import WholeTrades
from danbao.publisher import Limits, Progress, PublishError, Summary, parse_lines, publish
from danbao.testing.market import encode_lines
from danbao.testing.market_flow import CommandLine

UNPAID_EVERY = 8
PAY_WITHIN_S = 2
STUCK_AFTER_S = 60.0
INTERRUPTED_MAX = 20
TRADES_PREPARED_A_SECOND = 500
"""At least, before the first is sent: all are read and checked."""

WHOLE = {
    "escrow.trade_created.v1",
    "authorization.payment_requested.v1",
    "risk.payment_assessed.v1",
    "authorization.payment_captured.v1",
    "escrow.trade_funded.v1",
    "escrow.trade_shipped.v1",
    "escrow.trade_released.v1",
    "settlement.credit_recorded.v1",
}
"""What happens to a whole trade besides; each exactly once, but settlement's is counted too."""

ENDS = ["settlement.credit_recorded.v1", "escrow.trade_closed.v1"]
"""What happens to a trade last."""


class Load:
    """So many trades at a steady pace; every seed has ids of its own."""

    def __init__(
        self,
        fleet: Fleet,
        seed: int,
        trades: int = 400,
        rate: float = 60,
        patience_s: float = STUCK_AFTER_S,
    ) -> None:
        self._engine: RunningEngine = fleet.engine
        self._plan = WholeTrades(trades, seed)
        self._name = f"w{seed}"
        self._trades = trades
        self._unpaid = trades // UNPAID_EVERY
        self._rate = rate * (1 + 1 / UNPAID_EVERY)
        self._patience_s = patience_s
        self._task: asyncio.Task[Summary] | None = None
        self._behind_us = 0
        self.answered = 0
        self.interrupted = 0
        """How often Kafka did not take commands, so that all were published again."""

    async def __aenter__(self) -> Self:
        """Open the accounts, then begin."""
        bootstrap = self._engine.kafka_bootstrap
        accounts = parse_lines(encode_lines(self._plan.accounts()), "accounts")
        await publish(bootstrap, [accounts], limits=Limits(timeout_s=STUCK_AFTER_S))
        self._task = asyncio.create_task(self._publish(bootstrap))
        await self.more(10, 30 + self._trades / TRADES_PREPARED_A_SECOND)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop publishing, whatever happened."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def more(self, answers: int, within_s: float = 30) -> float:
        """Wait for so many answers from now on; gives the seconds."""
        assert self._task is not None
        goal = self.answered + answers

        def is_there() -> bool:
            assert self._task is not None
            if self._task.done():
                self._task.result()  # tells why it ended
                assert self.answered >= goal, "the load ended before the fault was over"
            return self.answered >= goal

        return await until(is_there, within_s, f"{answers} more answers")

    async def finish(self) -> Summary:
        """Wait for the end: every command answered once, every trade where it belongs."""
        assert self._task is not None
        summary = await self._task
        assert summary.refusals == {}, summary.refusals
        rows = await self._engine.fetch(
            "SELECT type, count(*) AS events, count(DISTINCT partition_key) AS flows"
            " FROM danbao.event_log WHERE partition_key LIKE $1 GROUP BY type",
            f"T{self._name}-%",
        )
        counted = {row["type"]: (row["events"], row["flows"]) for row in rows}
        both = self._trades + self._unpaid
        expected = dict.fromkeys(WHOLE, (self._trades, self._trades))
        expected["escrow.trade_created.v1"] = (both, both)
        expected["escrow.trade_closed.v1"] = (self._unpaid, self._unpaid)
        assert counted == expected
        return summary

    async def _publish(self, bootstrap: str) -> Summary:
        """Publish to the end; a Kafka that does not take commands is tried again with the same.

        Trades that are at their end by then are left out: at the load's pace, sending them all
        again would keep anything new from happening for minutes.
        """
        limits = Limits(rate=self._rate, in_flight=100_000, timeout_s=self._patience_s)
        ended: set[str] = set()
        while True:
            left = (line for line in self._lines() if line["partitionkey"] not in ended)
            lines = parse_lines(encode_lines(left), "trades")
            try:
                return await publish(bootstrap, [lines], limits=limits, progress=self._note)
            except (PublishError, KafkaError):
                self.interrupted += 1
                if self.interrupted > INTERRUPTED_MAX:
                    raise
                ended = await self._ended()
                self._behind_us = sum(
                    "id" in line for line in self._lines() if line["partitionkey"] in ended
                )

    async def _ended(self) -> set[str]:
        """Trades of this load that are at their end."""
        rows = await self._engine.fetch(
            "SELECT partition_key FROM danbao.event_log"
            " WHERE type = ANY($1) AND partition_key LIKE $2",
            ENDS,
            f"T{self._name}-%",
        )
        return {row["partition_key"] for row in rows}

    def _note(self, progress: Progress) -> None:
        self.answered = max(self.answered, self._behind_us + progress.answered)

    def _lines(self) -> Iterator[CommandLine]:
        """Trades, with one that nobody pays after every few."""
        unpaid = 0
        for number, line in enumerate(self._plan.trades(), start=1):
            yield line
            if number % (5 * UNPAID_EVERY) == 0:
                yield from self._nobody_pays(unpaid)
                unpaid += 1
        for number in range(unpaid, self._unpaid):
            yield from self._nobody_pays(number)

    def _nobody_pays(self, number: int) -> Iterator[CommandLine]:
        trade = f"T{self._name}-u{number}"
        data = {
            "trade_id": trade,
            "buyer": f"B{self._name}-0",
            "seller": f"M{self._name}-0",
            "amount": {"minor": 100, "currency": "CNY"},
            "title": "nobody pays",
            "pay_within_s": PAY_WITHIN_S,
        }
        yield {
            "id": str(uuid5(NAMESPACE_OID, trade)),
            "type": "escrow.create_trade.v1",
            "source": "faults",
            "partitionkey": trade,
            "data": data,
        }
        yield {"partitionkey": trade, "after": ["escrow.trade_closed.v1"]}
