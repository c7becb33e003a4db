"""Top-ups and payments: each runs its course once, and each decision fits what it saw.

Source: contract.md, rows `accounts.top_up` and `authorization.authorize_payment`, "Answers"
("a decision sees every event committed before it") and the order of declines and returns.
Checks: `payment.flow`, `top_up.flow`, `decision.account`, `decision.decline`,
`decision.return`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .trades import CLOSED, TO_PAY
from .world import Payment, TopUp, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .report import Report
    from .rows import Event


class Payments:
    """Folds payments; the ledger has taken the event before, the trades have not."""

    def __init__(self, report: Report, world: World) -> None:
        """Start without payments."""
        self._report = report
        self._world = world
        self._steps: dict[str, Callable[[Event, Mapping[str, Any]], None]] = {
            "accounts.top_up_requested.v1": self._top_up_requested,
            "accounts.top_up_settled.v1": self._top_up_ended,
            "accounts.top_up_failed.v1": self._top_up_ended,
            "authorization.payment_requested.v1": self._requested,
            "risk.payment_assessed.v1": self._assessed,
            "authorization.payment_captured.v1": self._captured,
            "authorization.payment_declined.v1": self._declined,
            "escrow.trade_funded.v1": self._taken,
            "escrow.payment_returned.v1": self._returned,
        }

    def event(self, event: Event) -> None:
        """Take one event."""
        step = self._steps.get(event.row.type)
        if step is not None and event.sound:
            step(event, event.facts)

    def finish_at_rest(self) -> None:
        """Report what is still under way once the engine says that it is idle."""
        for payment_id, payment in self._world.payments.items():
            if payment.state in ("requested", "captured"):
                stream = f"payment/{payment_id}"
                self._report.add("rest.payment", "an end", payment.state, stream=stream)
        for top_up_id, top_up in self._world.top_ups.items():
            if top_up.state == "requested":
                stream = f"topup/{top_up_id}"
                self._report.add("rest.top_up", "an end", top_up.state, stream=stream)

    def _top_up_requested(self, event: Event, facts: Mapping[str, Any]) -> None:
        top_up_id = event.row.stream.partition("/")[2]
        if top_up_id in self._world.top_ups:
            self._report.at(event.row, "top_up.flow", "a new top-up", "requested twice")
            return
        amount = facts.get("amount") or {}
        top_up = TopUp(
            facts.get("account_id", ""), amount.get("minor", 0), amount.get("currency", "")
        )
        self._world.top_ups[top_up_id] = top_up
        if top_up.account_id and top_up.currency:
            self._account(event, top_up.account_id, top_up.currency)

    def _top_up_ended(self, event: Event, facts: Mapping[str, Any]) -> None:
        top_up = self._world.top_ups.get(facts["top_up_id"])
        found = (facts["account_id"], facts["amount"]["minor"], facts["amount"]["currency"])
        if top_up is None or top_up.state != "requested":
            state = top_up.state if top_up else "unknown"
            self._report.at(event.row, "top_up.flow", "a top-up that was requested", state)
        elif top_up.account_id and (top_up.account_id, top_up.minor, top_up.currency) != found:
            self._report.at(event.row, "top_up.flow", f"what was requested: {top_up}", found)
        if top_up is not None:
            top_up.state = event.name

    def _requested(self, event: Event, facts: Mapping[str, Any]) -> None:
        payment_id = event.row.stream.partition("/")[2]
        if payment_id in self._world.payments:
            self._report.at(event.row, "payment.flow", "a new payment", "requested twice")
            return
        amount = facts.get("amount") or {}
        self._world.payments[payment_id] = Payment(
            trade_id=facts.get("trade_id", ""),
            payer=facts.get("payer", ""),
            minor=amount.get("minor", 0),
            currency=amount.get("currency", ""),
        )

    def _assessed(self, event: Event, facts: Mapping[str, Any]) -> None:
        payment = self._world.payments.get(facts["payment_id"])
        if payment is None or payment.state != "requested" or payment.decision:
            state = payment.decision or payment.state if payment else "unknown"
            self._report.at(event.row, "payment.flow", "a payment to be assessed", state)
        elif payment.payer not in ("", facts["payer"]):
            self._report.at(event.row, "payment.flow", f"payer {payment.payer}", facts["payer"])
        elif facts["decision"] not in ("approve", "challenge", "decline"):
            self._report.at(event.row, "payment.flow", "a decision", facts["decision"])
        if payment is not None:
            payment.decision = facts["decision"]

    def _follow(self, event: Event, facts: Mapping[str, Any], state: str, to: str) -> None:
        """Move a payment from one state to the next, with nothing about it changed."""
        payment = self._world.payments.get(facts["payment_id"])
        if payment is None or payment.state != state:
            found = payment.state if payment else "unknown"
            self._report.at(event.row, "payment.flow", f"a payment that is {state}", found)
            if payment is None:
                return
        amount = facts["amount"]
        wanted = (payment.trade_id, payment.payer, payment.minor, payment.currency)
        told = (facts["trade_id"], facts["payer"], amount["minor"], amount["currency"])
        if payment.trade_id and wanted != told:
            self._report.at(event.row, "payment.flow", wanted, told)
        payment.trade_id, payment.payer, payment.minor, payment.currency = told
        payment.state = to

    def _captured(self, event: Event, facts: Mapping[str, Any]) -> None:
        self._follow(event, facts, "requested", "captured")
        payment = self._world.payments.get(facts["payment_id"])
        if payment is not None and payment.decision != "approve":
            self._report.at(event.row, "payment.flow", "an approved payment", payment.decision)
        amount = facts["amount"]
        self._account(event, facts["payer"], amount["currency"])
        self._world.in_flight[(facts["trade_id"], amount["currency"])] += amount["minor"]

    def _declined(self, event: Event, facts: Mapping[str, Any]) -> None:
        self._follow(event, facts, "requested", "declined")
        payment = self._world.payments.get(facts["payment_id"])
        code, payer, amount = facts["code"], facts["payer"], facts["amount"]
        self._world.declines[code] += 1
        wanted = self._decline(payment, payer, amount)
        if code != wanted:
            self._report.at(event.row, "decision.decline", wanted or "no decline", code)

    def _decline(self, payment: Payment | None, payer: str, amount: Mapping[str, Any]) -> str:
        """Return the first code that applies, in the contract's order, or nothing."""
        account = self._world.accounts.get(payer)
        wallet = self._world.balance(f"R.CUST.{payer}.AVAILABLE", amount["currency"])
        if payment is not None and payment.decision != "approve":
            return "risk_declined"
        if account is None:
            return "account_unknown"
        if account.is_frozen:
            return "account_frozen"
        if account.currency != amount["currency"]:
            return "currency_mismatch"
        return "insufficient_funds" if wallet < amount["minor"] else ""

    def _taken(self, event: Event, facts: Mapping[str, Any]) -> None:
        self._follow(event, facts, "captured", "funded")
        amount = facts["amount"]
        self._world.in_flight[(facts["trade_id"], amount["currency"])] -= amount["minor"]

    def _returned(self, event: Event, facts: Mapping[str, Any]) -> None:
        self._follow(event, facts, "captured", "returned")
        amount = facts["amount"]
        self._world.in_flight[(facts["trade_id"], amount["currency"])] -= amount["minor"]
        self._world.returns[facts["reason"]] += 1
        wanted = self._return(facts, amount)
        if facts["reason"] not in wanted:
            self._report.at(event.row, "decision.return", wanted, facts["reason"])

    def _return(self, facts: Mapping[str, Any], amount: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the first reason that applies; a trade over by success is both, so two."""
        trade = self._world.trades.get(facts["trade_id"])
        if trade is None:
            return ("trade_unknown",)
        if trade.state == CLOSED:
            return ("trade_closed",)
        if trade.state != TO_PAY:
            return ("already_paid", *(("trade_closed",) if trade.state == "TRADE_SUCCESS" else ()))
        if trade.buyer != facts["payer"]:
            return ("wrong_payer",)
        if trade.minor != amount["minor"]:
            return ("wrong_amount",)
        return ("wrong_currency",) if trade.currency != amount["currency"] else ()

    def _account(self, event: Event, account_id: str, currency: str) -> None:
        """Report money that moves by an account which this position does not allow to."""
        account = self._world.accounts.get(account_id)
        if account is None or account.is_frozen or account.currency != currency:
            expected = f"{account_id} open, not frozen, in {currency}"
            self._report.at(event.row, "decision.account", expected, account or "no account")
