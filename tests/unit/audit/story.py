"""A small market day told by the contract: every step of the main flow at least once."""

from __future__ import annotations

from typing import Any

from tests.unit.audit.scribe import Cause, Scribe, yuan

Money = dict[str, Any]
PAST, FUTURE = "2026-11-23T00:00:00Z", "2026-12-24T00:00:00Z"
"""A deadline that had come before the story began, and one that none of it waits for."""


class Market:
    """Plays commands and everything they lead to."""

    def __init__(self) -> None:
        self.scribe = Scribe()
        self.credits: dict[str, list[tuple[int, int, int]]] = {}
        self.windows: list[dict[str, Any]] = []

    def open(self, account_id: str, kind: str, currency: str = "CNY") -> None:
        data = {"account_id": account_id, "kind": kind, "currency": currency}
        command = self.scribe.command("accounts.open_account.v1", account_id, data)
        self.scribe.event(command, "accounts.account_opened.v1", f"account/{account_id}", data)

    def top_up(
        self, top_up_id: str, account_id: str, amount: Money, *, fails: bool = False
    ) -> None:
        scribe, stream = self.scribe, f"topup/{top_up_id}"
        data = {"top_up_id": top_up_id, "account_id": account_id, "amount": amount}
        command = scribe.command("accounts.top_up.v1", account_id, {**data, "bank_card": "card_ok"})
        asked = scribe.event(command, "accounts.top_up_requested.v1", stream, data)
        order = scribe.event(
            asked, "channel.order_ended.v1", f"order/{top_up_id}", {"ok": not fails}
        )
        if fails:
            data["reason"] = "card_declined"
            scribe.event(order, "accounts.top_up_failed.v1", stream, data)
            return
        wallet = f"R.CUST.{account_id}.AVAILABLE"
        leg = ("R.CHRECV.card", wallet, amount)
        settled = scribe.event(order, "accounts.top_up_settled.v1", stream, data, leg)
        received = {"order_id": top_up_id, "amount": amount}
        leg = ("R.CB", "R.CHRECV.card", amount)
        scribe.event(settled, "channel.funds_received.v1", f"order/{top_up_id}", received, leg)

    def account(self, verb: str, account_id: str) -> None:
        data = {"account_id": account_id, "reason": "asked"}
        command = self.scribe.command(f"accounts.{verb}_account.v1", account_id, data)
        name = {"freeze": "frozen", "unfreeze": "unfrozen"}[verb]
        self.scribe.event(command, f"accounts.account_{name}.v1", f"account/{account_id}", data)

    def trade(self, trade_id: str, buyer: str, seller: str, amount: Money) -> None:
        data = {"trade_id": trade_id, "buyer": buyer, "seller": seller, "amount": amount}
        data["pay_by"] = FUTURE
        data["title"] = 'Müsli "fein" \\ 露营灯 \u2028'
        command = self.scribe.command("escrow.create_trade.v1", trade_id, data)
        self.scribe.event(command, "escrow.trade_created.v1", f"trade/{trade_id}", data)

    def pay(
        self, trade_id: str, payer: str, amount: Money, *, decline: str = "", back: str = ""
    ) -> None:
        """Pay a trade; `decline` is a code, `back` the reason why the trade cannot take it."""
        scribe, payment_id = self.scribe, f"P.{trade_id}-{len(self.scribe.rows)}"
        stream = f"payment/{payment_id}"
        facts = {"payment_id": payment_id, "trade_id": trade_id, "payer": payer, "amount": amount}
        sent = {**facts, "method": "balance"}
        command = scribe.command("authorization.authorize_payment.v1", trade_id, sent)
        asked = scribe.event(command, "authorization.payment_requested.v1", stream, sent)
        decision = "decline" if decline == "risk_declined" else "approve"
        assessed = {"payment_id": payment_id, "payer": payer, "decision": decision, "score": 0}
        seen = scribe.event(asked, "risk.payment_assessed.v1", f"payer/{payer}", assessed)
        if decline:
            declined = {**facts, "code": decline}
            scribe.event(seen, "authorization.payment_declined.v1", stream, declined)
            return
        wallet, escrow = f"R.CUST.{payer}.AVAILABLE", f"R.ESCROW.{trade_id}"
        captured = scribe.event(
            seen, "authorization.payment_captured.v1", stream, facts, (wallet, escrow, amount)
        )
        if back:
            returned = {**facts, "reason": back}
            leg = (escrow, wallet, amount)
            name = "escrow.payment_returned.v1"
            scribe.event(captured, name, f"return/{payment_id}", returned, leg)
        else:
            scribe.event(captured, "escrow.trade_funded.v1", f"trade/{trade_id}", facts)

    def step(self, trade_id: str, verb: str, event: str, **facts: object) -> Cause:
        """Send a command about a trade that is answered by one event without postings."""
        data = {"trade_id": trade_id, **facts}
        command = self.scribe.command(f"escrow.{verb}.v1", trade_id, data)
        stream = f"trade/{trade_id}"
        self.scribe.event(command, f"escrow.{event}.v1", stream, data)
        return command

    def release(self, trade_id: str, seller: str, amount: Money, cause: str = "buyer") -> None:
        scribe = self.scribe
        verb = "confirm" if cause == "buyer" else "auto_confirm"
        command = scribe.command(f"escrow.{verb}_receipt.v1", trade_id, {"trade_id": trade_id})
        facts = {"trade_id": trade_id, "seller": seller, "amount": amount, "cause": cause}
        leg = (f"R.ESCROW.{trade_id}", f"R.MPEND.{seller}", amount)
        released = scribe.event(
            command, "escrow.trade_released.v1", f"trade/{trade_id}", facts, leg
        )
        gross, currency = amount["minor"], amount["currency"]
        fee = round(gross * 60 / 10_000)
        credit = {
            "trade_id": trade_id,
            "merchant": seller,
            "gross": amount,
            "fee": yuan(fee, currency),
            "net": yuan(gross - fee, currency),
            "fee_bps": 60,
            "policy_version": 1,
            "window_id": f"W-{seller}-1",
        }
        name = "settlement.credit_recorded.v1"
        scribe.event(released, name, f"merchant/{seller}", credit)
        self.credits.setdefault(seller, []).append((gross, fee, gross - fee))

    def refund(self, trade_id: str, buyer: str, amount: Money, total: int, *, closes: bool) -> None:
        """Apply for a refund, agree to it, and close the trade if nothing is left."""
        scribe, stream = self.scribe, f"trade/{trade_id}"
        asked = {"refund_id": "F-1", "amount": amount, "agree_by": FUTURE}
        self.step(trade_id, "apply_refund", "refund_applied", **asked)
        data = {"refund_id": "F-1", "trade_id": trade_id}
        command = scribe.command("escrow.agree_refund.v1", trade_id, data)
        facts = {**data, "buyer": buyer, "amount": amount, "refunded_total": yuan(total)}
        leg = (f"R.ESCROW.{trade_id}", f"R.CUST.{buyer}.AVAILABLE", amount)
        scribe.event(command, "escrow.trade_refunded.v1", stream, facts, leg)
        if closes:
            closed = {"trade_id": trade_id, "reason": "refunded", "refunded_total": yuan(total)}
            scribe.event(command, "escrow.trade_closed.v1", stream, closed)

    def close_window(self, merchant: str, currency: str, payout: str) -> None:
        """Close the merchant's window and pay it out; `payout` is how that ends."""
        scribe, stream, window_id = self.scribe, f"merchant/{merchant}", f"W-{merchant}-1"
        wanted = {"merchant": merchant, "currency": currency}
        command = scribe.command("settlement.close_window.v1", merchant, wanted)
        gross, fee, net = (sum(column) for column in zip(*self.credits[merchant], strict=True))
        count = len(self.credits[merchant])
        figures = {"gross": gross, "fee": fee, "net": net}
        facts = {
            "window_id": window_id,
            "merchant": merchant,
            **{name: yuan(minor, currency) for name, minor in figures.items()},
            "count": count,
            "first_version": 1,
            "last_version": count,
        }
        pending = f"R.MPEND.{merchant}"
        scribe.event(
            command,
            "settlement.window_closed.v1",
            stream,
            facts,
            (pending, f"R.MAVL.{merchant}", yuan(net, currency)),
            (pending, "R.DUE_TO_O", yuan(fee, currency)),
            ("O.DUE_FROM_R", "O.INC.FEE", yuan(fee, currency)),
        )
        amount = yuan(net, currency)
        paid = {"payout_id": f"{window_id}-P", "merchant": merchant, "amount": amount}
        asked = scribe.event(
            command,
            "settlement.payout_requested.v1",
            stream,
            {**paid, "window_id": window_id, "payout_bank": "bank_1"},
            (f"R.MAVL.{merchant}", "R.PAYOUT.bank", amount),
        )
        target = "R.CB" if payout == "paid" else f"R.MAVL.{merchant}"
        leg = ("R.PAYOUT.bank", target, amount)
        reason = None if payout == "paid" else "bank_account_closed"
        ended = {**paid, "reason": reason}
        scribe.event(asked, f"settlement.payout_{payout}.v1", stream, ended, leg)
        self.windows.append(
            {
                "window_id": window_id,
                "merchant": merchant,
                "currency": currency,
                **{f"{name}_minor": minor for name, minor in figures.items()},
                "count": count,
            }
        )


def play() -> Market:
    """Tell the whole story."""
    market = Market()
    _open_and_top_up(market)
    _succeed(market)
    _end_otherwise(market)
    market.close_window("M-1", "CNY", "paid")
    market.close_window("M.2", "USD", "failed")
    _refuse(market.scribe)
    return market


def _open_and_top_up(market: Market) -> None:
    for account_id in ("B-1", "B.2", "B-4"):
        market.open(account_id, "personal")
    market.open("B-3", "personal", "USD")
    market.open("M-1", "merchant")
    market.open("M.2", "merchant", "USD")
    market.top_up("U-1", "B-1", yuan(100_000))
    market.top_up("U-2", "B.2", yuan(50_000))
    market.top_up("U-3", "B-3", yuan(20_000, "USD"))
    market.top_up("U-4", "B-4", yuan(700), fails=True)


def _succeed(market: Market) -> None:
    market.trade("T-1", "B-1", "M-1", yuan(12_345))
    market.pay("T-1", "B-1", yuan(12_345))
    market.pay("T-1", "B-1", yuan(12_345), back="already_paid")
    market.step("T-1", "ship_trade", "trade_shipped", tracking_no="1", auto_confirm_at=FUTURE)
    market.step("T-1", "extend_receipt", "receipt_extended", days=3, auto_confirm_at=FUTURE)
    market.release("T-1", "M-1", yuan(12_345))
    market.trade("T-2", "B.2", "M-1", yuan(10_000))
    market.pay("T-2", "B-1", yuan(10_000), back="wrong_payer")
    market.pay("T-2", "B.2", yuan(10_000))
    market.refund("T-2", "B.2", yuan(2_500), 2_500, closes=False)
    market.step("T-2", "ship_trade", "trade_shipped", tracking_no="2", auto_confirm_at=FUTURE)
    asked = {"refund_id": "F-2", "amount": yuan(100), "agree_by": FUTURE}
    market.step("T-2", "apply_refund", "refund_applied", **asked)
    again = {"refund_id": "F-2", "auto_confirm_at": FUTURE}
    market.step("T-2", "refuse_refund", "refund_refused", **again)
    market.step("T-2", "freeze_trade", "trade_frozen", reason="look")
    market.step("T-2", "unfreeze_trade", "trade_unfrozen", reason="looked", auto_confirm_at=PAST)
    market.release("T-2", "M-1", yuan(7_500), cause="timer")
    market.trade("T.5", "B-3", "M.2", yuan(3_333, "USD"))
    market.pay("T.5", "B-3", yuan(3_333, "USD"))
    market.step("T.5", "ship_trade", "trade_shipped", tracking_no="5", auto_confirm_at=FUTURE)
    market.release("T.5", "M.2", yuan(3_333, "USD"))


def _end_otherwise(market: Market) -> None:
    market.trade("T-3", "B-1", "M-1", yuan(4_000))
    market.pay("T-3", "B-1", yuan(4_000))
    market.refund("T-3", "B-1", yuan(4_000), 4_000, closes=True)
    market.trade("T-4", "B-1", "M-1", yuan(900))
    market.step("T-4", "cancel_trade", "trade_closed", reason="cancelled")
    market.pay("T-4", "B-1", yuan(900), back="trade_closed")
    market.trade("T-6", "B-4", "M-1", yuan(800))
    market.pay("T-6", "B-4", yuan(800), decline="insufficient_funds")
    market.pay("T-6", "B-3", yuan(800), decline="currency_mismatch")
    market.account("freeze", "B-4")
    market.pay("T-6", "B-4", yuan(800), decline="account_frozen")
    market.account("unfreeze", "B-4")
    market.account("freeze", "B-4")
    market.pay("T-6", "B-9", yuan(800), decline="account_unknown")
    market.pay("T-6", "B-1", yuan(800), decline="risk_declined")


def _refuse(scribe: Scribe) -> None:
    again = scribe.command("accounts.open_account.v1", "B-1", {"account_id": "B-1"}, "operator:O-1")
    scribe.refuse(again, "accounts.open_account.v1", "account_exists")
    first = scribe.inbox[0]
    reuse = Cause(first.message_id, "B-1", first.message_id)
    scribe.refuse(
        reuse, "accounts.open_account.v1", "command_id_reused", "0" * 8 + first.message_id[8:]
    )
