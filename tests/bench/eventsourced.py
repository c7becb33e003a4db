"""The same trade with the library `eventsourcing` on Postgres; a process of its own.

`python -m tests.bench.eventsourced DSN SECONDS WAY` prints a line of JSON: whole trades a second.
The way `by_command` loads the aggregate and saves it for each command, as a service does; `batched`
has a hundred trades in one commit (an import: no commands, no state read back).
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

TRADES_A_COMMIT = 100


class Trade(Aggregate):
    """An escrow trade: eight events, as danbao has them."""

    @event("Created")
    def __init__(self, buyer: str, seller: str, minor: int) -> None:
        self.buyer, self.seller, self.minor = buyer, seller, minor
        self.state, self.score, self.credited = "WAIT_BUYER_PAY", 0, 0

    @event("PaymentRequested")
    def request(self, payment: str) -> None:
        self.payment = payment

    @event("PaymentAssessed")
    def assess(self, score: int) -> None:
        self.score = score

    @event("PaymentCaptured")
    def capture(self, minor: int) -> None:
        self.paid = minor

    @event("Funded")
    def fund(self, payment: str) -> None:
        self.payment = payment
        self.state = "WAIT_SELLER_SEND_GOODS"

    @event("Shipped")
    def ship(self, carrier: str, tracking_no: str) -> None:
        self.parcel = carrier, tracking_no
        self.state = "WAIT_BUYER_CONFIRM_GOODS"

    @event("Released")
    def release(self, seller: str, minor: int) -> None:
        self.seller, self.released = seller, minor
        self.state = "TRADE_SUCCESS"

    @event("Credited")
    def credit(self, merchant: str, minor: int, fee: int) -> None:
        self.seller, self.credited = merchant, minor - fee


class Trades(Application[UUID]):
    """One method for each command."""

    def create(self, number: int) -> UUID:
        trade = Trade(f"B-{number % 997}", f"S-{number % 101}", 12_000)
        self.save(trade)
        return trade.id

    def pay(self, trade_id: UUID) -> None:
        self._change(trade_id, pay)

    def ship(self, trade_id: UUID) -> None:
        self._change(trade_id, lambda trade: trade.ship("SF", "SF1"))

    def confirm(self, trade_id: UUID) -> None:
        self._change(trade_id, confirm)

    def _change(self, trade_id: UUID, change: Callable[[Trade], object]) -> None:
        trade = self.repository.get(trade_id)
        change(trade)
        self.save(trade)


def pay(trade: Trade) -> None:
    trade.request("P-1")
    trade.assess(3)
    trade.capture(12_000)
    trade.fund("P-1")


def confirm(trade: Trade) -> None:
    trade.release("S-1", 12_000)
    trade.credit("S-1", 12_000, 72)


def by_command(app: Trades, seconds: float) -> float:
    """Whole trades a second, four commands each."""
    begun, number = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds:
        trade_id = app.create(number)
        app.pay(trade_id)
        app.ship(trade_id)
        app.confirm(trade_id)
        number += 1
    return number / spent


def batched(app: Trades, seconds: float) -> float:
    """Whole trades a second, a hundred in one commit."""
    begun, number = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds:
        trades = []
        for _ in range(TRADES_A_COMMIT):
            trade = Trade(f"B-{number % 997}", f"S-{number % 101}", 12_000)
            pay(trade)
            trade.ship("SF", "SF1")
            confirm(trade)
            trades.append(trade)
            number += 1
        app.save(*trades)
    return number / spent


def main(dsn: str, seconds: float, way: str) -> None:
    parts = urlsplit(dsn)
    os.environ |= {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": str(parts.hostname),
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": str(parts.username),
        "POSTGRES_PASSWORD": parts.password or "",
    }
    app = Trades()
    rate = {"by_command": by_command, "batched": batched}[way](app, seconds)
    app.close()
    named = {"eventsourcing": version("eventsourcing"), "psycopg": version("psycopg")}
    sys.stdout.write(json.dumps({"rate": rate, "versions": named}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
