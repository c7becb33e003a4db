"""Whole trades only, for measuring: create, pay, ship, confirm, until the seller's credit stands.

No refusals, no time-outs: every trade takes the same path, so trades a second mean something.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from danbao.testing.market_flow import CommandLine, command_id

BUYERS_SHARE = 10
"""One buyer for so many trades: below the velocity limit of the default risk rules."""
MERCHANTS = 50
PLENTY_MINOR = 10**9


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
EVENTS_A_TRADE = sum(step.events for step in STEPS)


class WholeTrades:
    """So many trades from a seed; other seeds have other accounts, trades and ids.

    Merchants follow Zipf's law (the second sells half of what the first does, and so on); with
    `hot`, the first has that share of all trades besides.
    """

    def __init__(
        self, trades: int, seed: int, *, merchants: int = MERCHANTS, hot: float = 0.0
    ) -> None:
        """Make nothing yet: lines are made while they are read."""
        self._trades = trades
        self._name = f"w{seed}"
        self._seed = seed
        self._buyers = trades // BUYERS_SHARE + 1
        self._merchants = merchants
        weights = [1 / rank for rank in range(1, merchants + 1)]
        weights[0] += sum(weights) * hot / (1 - hot)
        self._weights = weights

    def accounts(self) -> Iterator[CommandLine]:
        """Merchants, and buyers with plenty of money."""
        random = Random(f"accounts/{self._seed}")  # noqa: S311 - a plan, not a secret
        for number in range(self._merchants):
            yield self._open(random, number, f"M{self._name}-{number}", "merchant")
        for number in range(self._buyers):
            name = f"B{self._name}-{number}"
            yield self._open(random, number, name, "personal")
            money = {"minor": PLENTY_MINOR, "currency": "CNY"}
            top_up: dict[str, object] = {"top_up_id": f"{name}-u", "account_id": name}
            top_up["amount"] = money
            top_up["bank_card"] = "card_ok_1"
            line = self._line(random, number, "accounts.top_up", name, top_up)
            yield line | {"after": ["accounts.account_opened.v1"]}
            yield {"partitionkey": name, "after": ["accounts.top_up_settled.v1"]}

    def trades(self) -> Iterator[CommandLine]:
        """The trades, one after the other; the publisher runs many at once."""
        random = Random(f"trades/{self._seed}")  # noqa: S311 - a plan, not a secret
        merchants = random.choices(range(self._merchants), self._weights, k=self._trades)
        for number, merchant in enumerate(merchants):
            yield from self._trade(random, number, f"M{self._name}-{merchant}")

    def steps(self) -> Mapping[str, list[CommandLine]]:
        """The commands of all trades, by step and without waits: each step is a backlog."""
        lines: dict[str, list[CommandLine]] = {step.command: [] for step in STEPS}
        for line in self.trades():
            if "type" in line:
                line.pop("after", None)
                lines[line["type"]].append(line)
        return lines

    def _trade(self, random: Random, number: int, merchant: str) -> Iterator[CommandLine]:
        trade = f"T{self._name}-{number}"
        buyer = f"B{self._name}-{random.randrange(self._buyers)}"
        money = {"minor": random.randint(500, 200_000), "currency": "CNY"}
        create = {"trade_id": trade, "buyer": buyer, "seller": merchant, "amount": money}
        yield self._line(
            random, number, "escrow.create_trade", trade, create | {"title": "whole trade"}
        )
        pay = {"payment_id": f"{trade}-p", "trade_id": trade, "payer": buyer, "amount": money}
        line = self._line(
            random, number, "authorization.authorize_payment", trade, pay | {"method": "balance"}
        )
        yield line | {"after": ["escrow.trade_created.v1"]}
        ship = {"trade_id": trade, "carrier": "SF", "tracking_no": f"SF{number}"}
        line = self._line(random, number, "escrow.ship_trade", trade, ship)
        yield line | {"after": ["escrow.trade_funded.v1"]}
        line = self._line(random, number, "escrow.confirm_receipt", trade, {"trade_id": trade})
        yield line | {"after": ["escrow.trade_shipped.v1"]}
        yield {"partitionkey": trade, "after": ["settlement.credit_recorded.v1"]}

    def _open(self, random: Random, number: int, name: str, kind: str) -> CommandLine:
        data = {"account_id": name, "kind": kind, "currency": "CNY"}
        if kind == "merchant":
            data["payout_bank"] = f"bank_ok_{name}"
        return self._line(random, number, "accounts.open_account", name, data)

    def _line(
        self, random: Random, number: int, command: str, key: str, data: Mapping[str, object]
    ) -> CommandLine:
        """A command; ids follow the order of trades, as those of a careful client do."""
        return {
            "id": command_id(random, number),
            "type": f"{command}.v1",
            "source": "bench",
            "partitionkey": key,
            "data": data,
        }
