"""A decision sees every event committed before it about what it names (contract, "Answers").

The log is read in order, with a few facts in the hand: who has an account, which trades there are,
what a wallet holds.  An answer that these facts contradict was decided on something older than its
position, whichever lock was missing.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from danbao.kernel.messages import LogRow
from danbao.testing.simulation.watch import MoneyMoved, moves
from danbao.testing.simulation.world import World

Data: TypeAlias = dict[str, Any]


class Known:
    """What the log has said so far."""

    def __init__(self) -> None:
        """Nothing."""
        self.accounts: dict[str, Data] = {}
        self.frozen: set[str] = set()
        self.trades: set[str] = set()
        self.payments: dict[str, Data] = {}
        self.top_ups: set[str] = set()
        self.listed: set[tuple[str, str]] = set()
        self.wallets: Counter[tuple[str, str]] = Counter()

    def learn(self, row: LogRow, data: Data) -> None:  # noqa: C901 - one case an event
        """Take an event in."""
        match row.type:
            case "accounts.account_opened.v1":
                self.accounts[data["account_id"]] = data
            case "accounts.account_frozen.v1":
                self.frozen.add(data["account_id"])
            case "accounts.account_unfrozen.v1":
                self.frozen.discard(data["account_id"])
            case "accounts.top_up_requested.v1":
                self.top_ups.add(data["top_up_id"])
            case "escrow.trade_created.v1":
                self.trades.add(data["trade_id"])
            case "authorization.payment_requested.v1":
                self.payments[data["payment_id"]] = data
            case "risk.list_entry_added.v1":
                self.listed.add((data["kind"], data["value"]))
            case "risk.list_entry_removed.v1":
                self.listed.discard((data["kind"], data["value"]))
            case _:
                pass
        if row.postings is not None:
            for each in moves.decode(row.postings):
                self._move(each)

    def _move(self, moved: MoneyMoved) -> None:
        self.wallets[moved.debit, moved.currency] -= moved.minor
        self.wallets[moved.credit, moved.currency] += moved.minor

    def covers(self, data: Data) -> bool:
        """Tell whether the payer's wallet holds the amount."""
        amount = data["amount"]
        wallet = f"R.CUST.{data['payer']}.AVAILABLE", amount["currency"]
        wanted: int = amount["minor"]
        return self.wallets[wallet] >= wanted

    def is_listed(self, payment_id: str) -> bool:
        """Tell whether payer, device or address of a payment is on the block list."""
        payment = self.payments[payment_id]
        named = ("account", "payer"), ("device", "device_id"), ("ip", "ip")
        return any((kind, payment.get(name)) in self.listed for kind, name in named)


REFUSED: Final[dict[str, Callable[[Known, Data], bool]]] = {
    "account_unknown": lambda known, data: _account(data) not in known.accounts,
    "account_exists": lambda known, data: _account(data) in known.accounts,
    "account_frozen": lambda known, data: _account(data) in known.frozen,
    "seller_unknown": lambda known, data: data["seller"] not in known.accounts,
    "trade_unknown": lambda known, data: data["trade_id"] not in known.trades,
    "trade_exists": lambda known, data: data["trade_id"] in known.trades,
    "payment_exists": lambda known, data: data["payment_id"] in known.payments,
    "top_up_exists": lambda known, data: data["top_up_id"] in known.top_ups,
    "entry_exists": lambda known, data: (data["kind"], data["value"]) in known.listed,
    "entry_unknown": lambda known, data: (data["kind"], data["value"]) not in known.listed,
}
"""What must be so for a command with this data to be refused with this code."""

DECLINED: Final[dict[str, Callable[[Known, Data], bool]]] = {
    "account_unknown": lambda known, data: data["payer"] not in known.accounts,
    "account_frozen": lambda known, data: data["payer"] in known.frozen,
    "insufficient_funds": lambda known, data: not known.covers(data),
}
"""What must be so for a payment to be declined with this code."""

HAPPENED: Final[dict[str, Callable[[Known, Data], bool]]] = {
    "accounts.account_opened.v1": lambda known, data: data["account_id"] not in known.accounts,
    "accounts.top_up_requested.v1": lambda known, data: (
        data["account_id"] in known.accounts
        and data["account_id"] not in known.frozen
        and data["top_up_id"] not in known.top_ups
    ),
    "escrow.trade_created.v1": lambda known, data: (
        data["trade_id"] not in known.trades
        and known.accounts.get(data["seller"], {}).get("kind") == "merchant"
    ),
    "authorization.payment_requested.v1": lambda known, data: (
        data["payment_id"] not in known.payments
    ),
    "authorization.payment_captured.v1": lambda known, data: (
        data["payer"] in known.accounts and data["payer"] not in known.frozen and known.covers(data)
    ),
    "risk.payment_assessed.v1": lambda known, data: (
        ("listed" in data["reasons"]) == known.is_listed(data["payment_id"])
    ),
    "escrow.payment_returned.v1": lambda known, data: (
        (data["reason"] == "trade_unknown") == (data["trade_id"] not in known.trades)
    ),
}
"""What must be so for an event to happen."""


def sight_problems(world: World) -> Iterator[str]:
    """Give the answers that what came before them contradicts."""
    known = Known()
    for row in world.tables.log:
        data = json.loads(row.data)
        rule = HAPPENED.get(row.type)
        if rule is not None and not rule(known, data):
            yield f"position {row.position}: {row.type} {row.data} is not so by what came before"
        if row.type.endswith(".command_rejected.v1"):
            yield from _refusal(world, known, row, data)
        elif row.type == "authorization.payment_declined.v1":
            declined = DECLINED.get(data["code"])
            if declined is not None and not declined(known, data):
                yield f"position {row.position}: declined as {data['code']}, which is not so"
        known.learn(row, data)


def _refusal(world: World, known: Known, row: LogRow, data: Data) -> Iterator[str]:
    rule = REFUSED.get(data["code"])
    stored = world.tables.inbox.get(row.causation_id)
    if rule is None or stored is None:
        return
    wanted = json.loads(stored.answer.body.text)["data"]
    if not rule(known, wanted):
        yield (
            f"position {row.position}: {data['command_type']} was refused as {data['code']}, "
            f"which is not so by what came before: {wanted}"
        )


def _account(data: Data) -> object:
    return data.get("account_id", data.get("merchant"))
