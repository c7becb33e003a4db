"""Whole trades only, for measuring: create, pay, ship, confirm, until the seller's credit stands.

No refusals, no time-outs: every trade takes the same path, so trades a second mean something.
"""

from collections.abc import Iterator, Mapping
from random import Random

from danbao.testing.market_flow import CommandLine, command_id

BUYERS_SHARE = 10
"""One buyer for so many trades: below the velocity limit of the default risk rules."""
MERCHANTS = 50
PLENTY_MINOR = 10**9


class WholeTrades:
    """So many trades from a seed; other seeds have other accounts, trades and ids."""

    def __init__(self, trades: int, seed: int) -> None:
        """Make nothing yet: lines are made while they are read."""
        self._trades = trades
        self._name = f"w{seed}"
        self._seed = seed
        self._buyers = trades // BUYERS_SHARE + 1
        weights = [1 / rank for rank in range(1, MERCHANTS + 1)]
        self._weights = weights

    def accounts(self) -> Iterator[CommandLine]:
        """Merchants, and buyers with plenty of money."""
        random = Random(f"accounts/{self._seed}")  # noqa: S311 - a plan, not a secret
        for number in range(MERCHANTS):
            yield self._open(random, f"M{self._name}-{number}", "merchant")
        for number in range(self._buyers):
            name = f"B{self._name}-{number}"
            yield self._open(random, name, "personal")
            money = {"minor": PLENTY_MINOR, "currency": "CNY"}
            top_up = {"top_up_id": f"{name}-u", "account_id": name, "amount": money}
            line = self._line(random, "accounts.top_up", name, top_up | {"bank_card": "card_ok_1"})
            yield line | {"after": ["accounts.account_opened.v1"]}
            yield {"partitionkey": name, "after": ["accounts.top_up_settled.v1"]}

    def trades(self) -> Iterator[CommandLine]:
        """The trades, one after the other; the publisher runs many at once."""
        random = Random(f"trades/{self._seed}")  # noqa: S311 - a plan, not a secret
        merchants = random.choices(range(MERCHANTS), self._weights, k=self._trades)
        for number, merchant in enumerate(merchants):
            yield from self._trade(random, f"T{self._name}-{number}", f"M{self._name}-{merchant}")

    def _trade(self, random: Random, trade: str, merchant: str) -> Iterator[CommandLine]:
        buyer = f"B{self._name}-{random.randrange(self._buyers)}"
        money = {"minor": random.randint(500, 200_000), "currency": "CNY"}
        create = {"trade_id": trade, "buyer": buyer, "seller": merchant, "amount": money}
        yield self._line(random, "escrow.create_trade", trade, create | {"title": "whole trade"})
        pay = {"payment_id": f"{trade}-p", "trade_id": trade, "payer": buyer, "amount": money}
        line = self._line(
            random, "authorization.authorize_payment", trade, pay | {"method": "balance"}
        )
        yield line | {"after": ["escrow.trade_created.v1"]}
        ship = {"trade_id": trade, "carrier": "SF", "tracking_no": f"SF{number_of(trade)}"}
        line = self._line(random, "escrow.ship_trade", trade, ship)
        yield line | {"after": ["escrow.trade_funded.v1"]}
        line = self._line(random, "escrow.confirm_receipt", trade, {"trade_id": trade})
        yield line | {"after": ["escrow.trade_shipped.v1"]}
        yield {"partitionkey": trade, "after": ["settlement.credit_recorded.v1"]}

    def _open(self, random: Random, name: str, kind: str) -> CommandLine:
        data = {"account_id": name, "kind": kind, "currency": "CNY"}
        if kind == "merchant":
            data["payout_bank"] = f"bank_ok_{name}"
        return self._line(random, "accounts.open_account", name, data)

    def _line(
        self, random: Random, command: str, key: str, data: Mapping[str, object]
    ) -> CommandLine:
        return {
            "id": command_id(random, random.randrange(1000)),
            "type": f"{command}.v1",
            "source": "bench",
            "partitionkey": key,
            "data": data,
        }


def number_of(trade: str) -> str:
    """The digits at the end of a trade's id."""
    return trade.rsplit("-", 1)[-1]
