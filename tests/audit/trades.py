"""Escrow trades: only the steps that the contract allows, and no money lost on the way.

Source: contract.md, the escrow rows of the table and "Trade states"; domain.md, 2.1.1.
Checks: `trade.transition` (each event is possible in the state its predecessors left),
`trade.identity` (paid = held + released + refunded, each of them at least 0, and
`R.ESCROW.<trade>` holds exactly what is held plus payments on their way into it or back).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .world import Trade, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .report import Report
    from .rows import Event

TO_PAY: Final = "WAIT_BUYER_PAY"
TO_SHIP: Final = "WAIT_SELLER_SEND_GOODS"
TO_CONFIRM: Final = "WAIT_BUYER_CONFIRM_GOODS"
SUCCESS: Final = "TRADE_SUCCESS"
CLOSED: Final = "TRADE_CLOSED"
PAID: Final = (TO_SHIP, TO_CONFIRM)
OPEN: Final = (TO_PAY, *PAID)


class Trades:
    """Folds the streams `trade/<id>`; the ledger must have taken the event before."""

    def __init__(self, report: Report, world: World) -> None:
        """Start without trades."""
        self._report = report
        self._world = world
        self._steps: dict[str, Callable[[Trade, Mapping[str, Any]], str]] = {
            "trade_funded.v1": _funded,
            "trade_shipped.v1": _shipped,
            "receipt_extended.v1": _extended,
            "trade_released.v1": _released,
            "trade_closed.v1": _closed,
            "refund_applied.v1": _refund_applied,
            "trade_refunded.v1": _refunded,
            "refund_refused.v1": _refund_ended,
            "refund_cancelled.v1": _refund_ended,
            "trade_frozen.v1": _frozen,
            "trade_unfrozen.v1": _unfrozen,
        }

    def event(self, event: Event) -> None:
        """Take one event; those of other streams only matter by what they post to escrow."""
        if event.sound and event.row.stream.startswith("trade/"):
            self._step(event)
        for posting in event.postings:
            for account in (posting.debit, posting.credit):
                if account.startswith("R.ESCROW."):
                    self._identity(event, account, posting.currency)

    def _step(self, event: Event) -> None:
        trade_id = event.row.stream.partition("/")[2]
        trade = self._world.trades.get(trade_id)
        if event.name == "trade_created.v1":
            fault = "already created" if trade else ""
            if trade is None:
                self._world.trades[trade_id] = _created(event.facts)
        elif (step := self._steps.get(event.name)) is None:
            return
        else:
            fault = step(trade, event.facts) if trade else "no such trade"
        if fault:
            state = f"{trade_id}, {trade.state}" if trade else trade_id
            self._report.at(event.row, "trade.transition", f"a step open to {state}", fault)
        if trade is not None and min(trade.held, trade.released, trade.refunded) < 0:
            found = f"{trade.held} + {trade.released} + {trade.refunded}, paid {trade.paid}"
            expected = "held, released, refunded >= 0 and together what was paid"
            self._report.at(event.row, "trade.identity", expected, found)

    def _identity(self, event: Event, account: str, currency: str) -> None:
        trade_id = account[len("R.ESCROW.") :]
        trade = self._world.trades.get(trade_id)
        held = trade.held if trade is not None and trade.currency == currency else 0
        wanted = held + self._world.in_flight[(trade_id, currency)]
        found = self._world.balance(account, currency)
        if found != wanted:
            expected = f"{account} = {wanted} {currency}: held, and payments on their way"
            self._report.at(event.row, "trade.identity", expected, found)


def _created(facts: Mapping[str, Any]) -> Trade:
    amount = facts["amount"]
    return Trade(facts["buyer"], facts["seller"], amount["minor"], amount["currency"])


def _amount_fault(trade: Trade, facts: Mapping[str, Any], minor: int) -> str:
    """Say how an amount differs from what it must be in this trade."""
    wanted = {"minor": minor, "currency": trade.currency}
    return "" if facts["amount"] == wanted else f"{facts['amount']}, not {wanted}"


def _funded(trade: Trade, facts: Mapping[str, Any]) -> str:
    fault = "" if trade.state == TO_PAY else "funded"
    fault = fault or ("" if facts["payer"] == trade.buyer else f"payer {facts['payer']}")
    fault = fault or _amount_fault(trade, facts, trade.minor)
    trade.paid += facts["amount"]["minor"]
    trade.state = TO_SHIP
    return fault


def _shipped(trade: Trade, _: Mapping[str, Any]) -> str:
    fault = "" if trade.state == TO_SHIP else "shipped"
    trade.state = TO_CONFIRM
    return fault


def _extended(trade: Trade, _: Mapping[str, Any]) -> str:
    fault = "" if trade.state == TO_CONFIRM and not trade.is_frozen else "extended"
    fault = fault or ("extended twice" if trade.is_extended else "")
    trade.is_extended = True
    return fault


def _released(trade: Trade, facts: Mapping[str, Any]) -> str:
    fault = "" if trade.state == TO_CONFIRM and not trade.is_frozen else "released"
    fault = fault or ("released with an open refund" if trade.refund_open else "")
    fault = fault or ("" if facts["cause"] in ("buyer", "timer") else f"cause {facts['cause']}")
    fault = fault or ("" if facts["seller"] == trade.seller else f"seller {facts['seller']}")
    fault = fault or _amount_fault(trade, facts, trade.held)
    trade.released += facts["amount"]["minor"]
    trade.state = SUCCESS
    return fault


def _closed(trade: Trade, facts: Mapping[str, Any]) -> str:
    reason = facts["reason"]
    if reason == "refunded":
        wanted = trade.state in PAID and trade.refunded == trade.paid
    else:
        wanted = reason in ("cancelled", "pay_timeout") and trade.state == TO_PAY
        wanted = wanted and not trade.is_frozen
    fault = "" if wanted else f"closed, {reason}"
    fault = fault or _total_fault(trade, facts)
    trade.state = CLOSED
    return fault


def _refund_applied(trade: Trade, facts: Mapping[str, Any]) -> str:
    refund_id, amount = facts["refund_id"], facts["amount"]
    fault = "" if trade.state in PAID else "refund applied for"
    fault = fault or ("a second open refund" if trade.refund_open else "")
    fault = fault or (f"{refund_id} again" if refund_id in trade.refund_ids else "")
    if amount["currency"] != trade.currency or amount["minor"] > trade.held:
        fault = fault or f"refund of {amount}, held {trade.held}"
    trade.refund_ids.add(refund_id)
    trade.refund_open, trade.refund_minor = refund_id, amount["minor"]
    return fault


def _refunded(trade: Trade, facts: Mapping[str, Any]) -> str:
    fault = "" if trade.refund_open == facts["refund_id"] else "a refund that is not open"
    fault = fault or ("refunded while frozen" if trade.is_frozen else "")
    fault = fault or ("" if facts["buyer"] == trade.buyer else f"buyer {facts['buyer']}")
    fault = fault or _amount_fault(trade, facts, trade.refund_minor)
    trade.refunded += facts["amount"]["minor"]
    trade.refund_open = None
    return fault or _total_fault(trade, facts)


def _refund_ended(trade: Trade, facts: Mapping[str, Any]) -> str:
    named = facts.get("refund_id", trade.refund_open)
    fault = "" if trade.refund_open and named == trade.refund_open else "refund ended, none open"
    trade.refund_open = None
    return fault


def _frozen(trade: Trade, _: Mapping[str, Any]) -> str:
    fault = "" if trade.state in OPEN and not trade.is_frozen else "frozen"
    trade.is_frozen = True
    return fault


def _unfrozen(trade: Trade, _: Mapping[str, Any]) -> str:
    fault = "" if trade.is_frozen else "unfrozen"
    trade.is_frozen = False
    return fault


def _total_fault(trade: Trade, facts: Mapping[str, Any]) -> str:
    """Hold `refunded_total` (Money or its minor units) against the refunds so far."""
    total = facts.get("refunded_total")
    minor = total.get("minor") if isinstance(total, dict) else total
    return "" if minor in (None, trade.refunded) else f"refunded_total {total}"
