"""Whole trades only, for measuring: create, pay, ship, confirm, until the seller's credit stands.

No refusals, no time-outs: every trade takes the same path, so trades a second mean something.
Lines are written from templates while they are read: a generator that costs much measures itself.
"""

import json
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import msgspec

from danbao.publisher import Line
from danbao.testing.market_flow import CommandLine, command_id

BUYERS_SHARE = 10
"""One buyer for so many trades: below the velocity limit of the default risk rules."""
PAYMENTS_A_BUYER_MAX = 25
"""However popular: five below what the default risk rules allow in an hour."""
MERCHANTS = 50
PLENTY_MINOR = 10**9
SOURCE = "bench"


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four commands of a whole trade, and how many events it leads to."""

    name: str
    command: str
    events: int


STEPS = (
    Step("create", "escrow.create_trade.v1", 1),
    Step("pay", "authorization.authorize_payment.v1", 4),
    Step("ship", "escrow.ship_trade.v1", 1),
    Step("confirm", "escrow.confirm_receipt.v1", 2),
)
CREATE, PAY, SHIP, CONFIRM = (step.command for step in STEPS)
EVENTS_A_TRADE = sum(step.events for step in STEPS)
NOTHING: Mapping[str, int] = {}
CREATED = {"escrow.trade_created.v1": 1}
FUNDED = {"escrow.trade_funded.v1": 1}
SHIPPED = {"escrow.trade_shipped.v1": 1}
CREDITED = {"settlement.credit_recorded.v1": 1}
SERVICES: Mapping[str, Line] = {
    service: Line(0, "", type=f"{service}.") for service in ("escrow", "authorization")
}
"""Whom the commands are for."""
ANSWERED_BY = ("escrow", "authorization", "settlement")
"""Whose events say how a trade goes on."""


class Expected(msgspec.Struct, frozen=True, gc=False):
    """What the trades drawn so far leave behind when all is done."""

    commands: int = 0
    """With different ids."""
    events: int = 0
    credited: int = 0
    declined: int = 0
    timers: int = 0

    def plus(self, other: "Expected") -> "Expected":
        """Both together."""
        return Expected(
            self.commands + other.commands,
            self.events + other.events,
            self.credited + other.credited,
            self.declined + other.declined,
            self.timers + other.timers,
        )


WHOLE = Expected(commands=len(STEPS), events=EVENTS_A_TRADE, credited=1)


class Trade(msgspec.Struct, frozen=True, gc=False):
    """What one trade is about."""

    number: int
    name: str
    buyer: str
    seller: str
    minor: int


class WholeTrades:
    """So many trades from a seed; other seeds have other accounts, trades and ids.

    Merchants follow Zipf's law (the second sells half of what the first does, and so on); with
    `hot`, the first has that share of all trades besides.  So do buyers, but none pays so often
    that the default risk rules would decline it.
    """

    def __init__(
        self, trades: int, seed: int, *, merchants: int = MERCHANTS, hot: float = 0.0
    ) -> None:
        """Make nothing yet: lines are made while they are read."""
        self.count = trades
        self._name = f"w{seed}"
        self._seed = seed
        self._merchants = merchants
        weights = [1 / rank for rank in range(1, merchants + 1)]
        weights[0] += sum(weights) * hot / (1 - hot)
        self._weights = weights
        self.expected = Expected()

    def accounts(self) -> Iterator[CommandLine]:
        """Merchants, and buyers with plenty of money."""
        random = Random(f"accounts/{self._seed}")  # noqa: S311 - a plan, not a secret
        for number in range(self._merchants):
            yield self._open(random, number, f"M{self._name}-{number}", "merchant")
        for number in range(len(purchases(self.count))):
            name = f"B{self._name}-{number}"
            yield self._open(random, number, name, "personal")
            money = {"minor": PLENTY_MINOR, "currency": "CNY"}
            top_up = {"top_up_id": f"{name}-u", "account_id": name, "amount": money}
            top_up["bank_card"] = "card_ok_1"
            line = _command_line(random, number, "accounts.top_up.v1", name, top_up)
            yield line | {"after": ["accounts.account_opened.v1"]}
            yield {"partitionkey": name, "after": ["accounts.top_up_settled.v1"]}

    def trades(self) -> Iterator[CommandLine]:
        """The trades as lines of a command file, one after the other."""
        for flow in self.flows():
            for line in flow:
                after = [name for name, count in line.after.items() for _ in range(count)]
                wait = {"after": after} if after else {}
                if not line.type:
                    yield {"partitionkey": line.partitionkey, **wait}
                    continue
                yield {
                    "id": line.id,
                    "type": line.type,
                    "source": line.source,
                    "partitionkey": line.partitionkey,
                    "data": json.loads(line.data),
                } | wait

    def flows(self) -> Iterator[list[Line]]:
        """The trades, each as the lines of its flow; they are made as they are drawn."""
        self.expected = Expected()
        random = Random(f"trades/{self._seed}")  # noqa: S311 - a plan, not a secret
        buyers = [b for b, count in enumerate(purchases(self.count)) for _ in range(count)]
        random.shuffle(buyers)
        cumulated = list(accumulate(self._weights))
        total, last = cumulated[-1], len(cumulated) - 1
        for number in range(self.count):
            merchant = bisect(cumulated, random.random() * total, 0, last)
            trade = Trade(
                number,
                f"T{self._name}-{number}",
                f"B{self._name}-{buyers[number]}",
                f"M{self._name}-{merchant}",
                500 + int(random.random() * 200_000),
            )
            yield self._flow(random, trade)

    def steps(self) -> Mapping[str, list[Line]]:
        """The commands of all trades, by step and without waits: each step is a backlog."""
        lines: dict[str, list[Line]] = {step.command: [] for step in STEPS}
        for flow in self.flows():
            for line in flow:
                if line.type:
                    line.after = NOTHING
                    lines[line.type].append(line)
        return lines

    def _flow(self, random: Random, trade: Trade) -> list[Line]:
        """All lines of one trade."""
        self.expected = self.expected.plus(WHOLE)
        return [
            create(random, trade),
            pay(random, trade),
            ship(random, trade),
            confirm(random, trade, SHIPPED),
            wait(trade, CREDITED),
        ]

    @staticmethod
    def _open(random: Random, number: int, name: str, kind: str) -> CommandLine:
        data: dict[str, object] = {"account_id": name, "kind": kind, "currency": "CNY"}
        if kind == "merchant":
            data["payout_bank"] = f"bank_ok_{name}"
        return _command_line(random, number, "accounts.open_account.v1", name, data)


def purchases(trades: int) -> list[int]:
    """How many trades each buyer has, the most popular first: Zipf, but none too many."""
    ranks = range(1, trades // BUYERS_SHARE + 2)
    counts, scale = [0], 1.0
    while sum(counts) < trades:
        counts = [min(PAYMENTS_A_BUYER_MAX, 1 + int(scale / rank)) for rank in ranks]
        scale *= 1.2
    surplus = sum(counts) - trades
    while surplus >= counts[-1]:
        surplus -= counts.pop()
    counts[-1] -= surplus
    return counts


def create(random: Random, trade: Trade, *, more: str = "") -> Line:
    """The trade, as its buyer wants it; `more` are further fields, each behind a comma."""
    return command(
        random,
        trade,
        CREATE,
        f'{{"trade_id":"{trade.name}","buyer":"{trade.buyer}","seller":"{trade.seller}",'
        f'"amount":{{"minor":{trade.minor},"currency":"CNY"}},"title":"whole trade"{more}}}',
        NOTHING,
    )


def pay(random: Random, trade: Trade) -> Line:
    """The payment, all of it from the buyer's wallet."""
    return command(
        random,
        trade,
        PAY,
        f'{{"payment_id":"{trade.name}-p","trade_id":"{trade.name}","payer":"{trade.buyer}",'
        f'"amount":{{"minor":{trade.minor},"currency":"CNY"}},"method":"balance"}}',
        CREATED,
    )


def ship(random: Random, trade: Trade) -> Line:
    """The parcel, once it is paid."""
    data = f'{{"trade_id":"{trade.name}","carrier":"SF","tracking_no":"SF{trade.number}"}}'
    return command(random, trade, SHIP, data, FUNDED)


def confirm(random: Random, trade: Trade, after: Mapping[str, int]) -> Line:
    """The buyer has it."""
    return command(random, trade, CONFIRM, f'{{"trade_id":"{trade.name}"}}', after)


def wait(trade: Trade, after: Mapping[str, int]) -> Line:
    """The end of the flow."""
    return Line(trade.number, trade.name, after=after)


def command(
    random: Random, trade: Trade, command_type: str, data: str, after: Mapping[str, int]
) -> Line:
    """A command; ids follow the order of trades, as those of a careful client do."""
    return Line(
        number=trade.number,
        partitionkey=trade.name,
        id=command_id(random, trade.number),
        type=command_type,
        source=SOURCE,
        data=data.encode(),
        after=after,
    )


def _command_line(
    random: Random, number: int, command_type: str, key: str, data: Mapping[str, object]
) -> CommandLine:
    return {
        "id": command_id(random, number),
        "type": command_type,
        "source": SOURCE,
        "partitionkey": key,
        "data": data,
    }
