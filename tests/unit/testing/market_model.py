"""A small marketplace in one dict a thing, written from the contract and not from the engine.

It answers a command with the events it causes, at once and in full; times are not modelled, a
timer may fire at any moment after it was set.  It exists to show that market days can be
published to their end in any order of delivery, and that their outcome does not depend on it.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
import rfc8785

from danbao.contracts.catalogue import COMMANDS

Line = dict[str, Any]
Seen = tuple[str, str, str, str]
"""Key, event type, cause, code or reason."""

SHORT_S = 60
VELOCITY_MAX = 30
PRICE_MAX = 5_000_000
BUYERS_ACTS = {"confirm_receipt", "extend_receipt", "apply_refund", "cancel_refund", "cancel_trade"}
SELLERS_ACTS = {"ship_trade", "agree_refund", "refuse_refund"}
OPERATORS_ACTS = {"freeze_trade", "unfreeze_trade"}


class Refused(Exception):  # noqa: N818  a word of the contract
    """A command gets this code for an answer."""


@dataclass
class TradeState:
    buyer: str
    seller: str
    minor: int
    currency: str
    state: str = "WAIT_BUYER_PAY"
    is_frozen: bool = False
    is_extended: bool = False
    pays_in_time: bool = True
    confirms_late: bool = True
    paid: int = 0
    refunded: int = 0
    released: int = 0
    refunds: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def has_open_refund(self) -> bool:
        return any(state == "open" for _, state in self.refunds.values())


@dataclass
class AccountState:
    kind: str
    currency: str
    bank: str | None
    minor: int = 0
    is_frozen: bool = False
    pending: int = 0
    fee: int = 0
    count: int = 0
    available: int = 0


class Market:
    """The whole market.  `answer` takes a command, `fire` lets one timer go off."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.accounts: dict[str, AccountState] = {}
        self.trades: dict[str, TradeState] = {}
        self.listed: set[tuple[str, str]] = set()
        self.payments: dict[str, str] = {}
        self.payments_of: Counter[str] = Counter()
        self.top_ups: set[str] = set()
        self.events: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.fees: Counter[str] = Counter()
        self._bodies: defaultdict[str, set[bytes]] = defaultdict(set)
        self._hasty: list[str] = []
        self._chain: list[Seen] = []
        self._cause = self._key = ""

    def answer(self, line: Line) -> list[Seen]:
        """Take one command; returns its events, none if the same body came before."""
        parts = {name: line.get(name) for name in ("type", "partitionkey", "actor", "data")}
        body, known = _canonical(parts), self._bodies[line["id"]]
        if body in known:
            return []
        self._chain, self._cause, self._key = [], line["id"], line["partitionkey"]
        service, verb, _ = line["type"].split(".")
        try:
            self._check(line, is_reused=bool(known))
            getattr(self, f"_{verb}")(line["data"], line.get("actor"))
        except Refused as refusal:
            self._emit(f"{service}.command_rejected.v1", str(refusal))
        known.add(body)
        return self._chain

    def fire(self) -> list[Seen]:
        """Let one short timer go off, if any is set."""
        due = [name for name in self._hasty if self._is_due(self.trades[name])]
        if not due:
            return []
        name = self._random.choice(due)
        trade = self.trades[name]
        self._chain, self._cause, self._key = [], f"timer/{name}", name
        if trade.state == "WAIT_BUYER_PAY":
            self._close(trade, "pay_timeout")
        else:
            self._release(trade)
        self._hasty.remove(name)
        return self._chain

    @staticmethod
    def _is_due(trade: TradeState) -> bool:
        if trade.is_frozen or trade.has_open_refund:
            return False
        return (trade.state == "WAIT_BUYER_PAY" and not trade.pays_in_time) or (
            trade.state == "WAIT_BUYER_CONFIRM_GOODS" and not trade.confirms_late
        )

    def _emit(self, name: str, code: str = "") -> None:
        cause = self._chain[-1] if self._chain else None
        self._chain.append((self._key, name, "event" if cause else self._cause, code))
        self.events[name] += 1
        if code:
            self.codes[f"{name.split('.')[1]}/{code}"] += 1

    def _check(self, line: Line, *, is_reused: bool) -> None:
        if is_reused:
            raise Refused("command_id_reused")
        try:
            wish = msgspec.json.decode(json.dumps(line["data"]), type=COMMANDS[line["type"]])
        except (msgspec.ValidationError, KeyError) as error:
            raise Refused("invalid_command") from error
        if getattr(wish, wish.KEY) != line["partitionkey"]:
            raise Refused("invalid_command")

    def _open_account(self, data: Line, _: str | None) -> None:
        if data["account_id"] in self.accounts:
            raise Refused("account_exists")
        account = AccountState(data["kind"], data["currency"], data.get("payout_bank"))
        self.accounts[data["account_id"]] = account
        self._emit("accounts.account_opened.v1")

    def _account(self, name: str) -> AccountState:
        if name not in self.accounts:
            raise Refused("account_unknown")
        return self.accounts[name]

    def _top_up(self, data: Line, _: str | None) -> None:
        account = self._account(data["account_id"])
        if data["top_up_id"] in self.top_ups:
            raise Refused("top_up_exists")
        if account.is_frozen:
            raise Refused("account_frozen")
        if account.currency != data["amount"]["currency"]:
            raise Refused("currency_mismatch")
        self.top_ups.add(data["top_up_id"])
        self._emit("accounts.top_up_requested.v1")
        if data["bank_card"].startswith("card_fail"):
            self._emit("accounts.top_up_failed.v1")
        else:
            account.minor += data["amount"]["minor"]
            self._emit("accounts.top_up_settled.v1")

    def _freeze_account(self, data: Line, _: str | None) -> None:
        account = self._account(data["account_id"])
        if account.is_frozen:
            raise Refused("already_frozen")
        account.is_frozen = True
        self._emit("accounts.account_frozen.v1")

    def _unfreeze_account(self, data: Line, _: str | None) -> None:
        account = self._account(data["account_id"])
        if not account.is_frozen:
            raise Refused("not_frozen")
        account.is_frozen = False
        self._emit("accounts.account_unfrozen.v1")

    def _set_payout_bank(self, data: Line, _: str | None) -> None:
        self._account(data["account_id"]).bank = data["payout_bank"]
        self._emit("accounts.payout_bank_set.v1")

    def _add_to_list(self, data: Line, _: str | None) -> None:
        entry = (data["kind"], data["value"])
        if entry in self.listed:
            raise Refused("entry_exists")
        self.listed.add(entry)
        self._emit("risk.list_entry_added.v1")

    def _remove_from_list(self, data: Line, _: str | None) -> None:
        entry = (data["kind"], data["value"])
        if entry not in self.listed:
            raise Refused("entry_unknown")
        self.listed.remove(entry)
        self._emit("risk.list_entry_removed.v1")

    def _create_trade(self, data: Line, _: str | None) -> None:
        seller = self.accounts.get(data["seller"])
        if seller is None:
            raise Refused("seller_unknown")
        if seller.kind != "merchant":
            raise Refused("seller_not_merchant")
        if data["trade_id"] in self.trades:
            raise Refused("trade_exists")
        if data["amount"]["currency"] != seller.currency:
            raise Refused("currency_mismatch")
        if data["buyer"] == data["seller"]:
            raise Refused("buyer_is_seller")
        trade = TradeState(
            data["buyer"],
            data["seller"],
            data["amount"]["minor"],
            data["amount"]["currency"],
            pays_in_time=data.get("pay_within_s", 1_800) > SHORT_S,
            confirms_late=data.get("auto_confirm_s", 864_000) > SHORT_S,
        )
        self.trades[data["trade_id"]] = trade
        if not (trade.pays_in_time and trade.confirms_late):
            self._hasty.append(data["trade_id"])
        self._emit("escrow.trade_created.v1")

    def _authorize_payment(self, data: Line, actor: str | None) -> None:
        payer, minor = data["payer"], data["amount"]["minor"]
        if actor not in (None, f"buyer:{payer}"):
            raise Refused("not_allowed")
        if data["payment_id"] in self.payments:
            raise Refused("payment_exists")
        self.payments[data["payment_id"]] = "requested"
        self._emit("authorization.payment_requested.v1")
        self.payments_of[payer] += 1
        entries = {("account", payer), ("device", data.get("device_id")), ("ip", data.get("ip"))}
        is_risky = minor > PRICE_MAX or self.payments_of[payer] > VELOCITY_MAX
        self._emit("risk.payment_assessed.v1")
        account = self.accounts.get(payer)
        if is_risky or entries & self.listed:
            code = "risk_declined"
        elif account is None:
            code = "account_unknown"
        elif account.is_frozen:
            code = "account_frozen"
        elif account.currency != data["amount"]["currency"]:
            code = "currency_mismatch"
        elif account.minor < minor:
            code = "insufficient_funds"
        else:
            self._take(account, data)
            return
        self._emit("authorization.payment_declined.v1", code)

    def _take(self, account: AccountState, data: Line) -> None:
        self._emit("authorization.payment_captured.v1")
        trade = self.trades.get(data["trade_id"])
        if trade is None:
            reason = "trade_unknown"
        elif trade.state == "TRADE_CLOSED":
            reason = "trade_closed"
        elif trade.state != "WAIT_BUYER_PAY":
            reason = "already_paid"
        elif trade.buyer != data["payer"]:
            reason = "wrong_payer"
        elif trade.minor != data["amount"]["minor"]:
            reason = "wrong_amount"
        elif trade.currency != data["amount"]["currency"]:
            reason = "wrong_currency"
        else:
            account.minor -= data["amount"]["minor"]
            trade.paid, trade.state = trade.minor, "WAIT_SELLER_SEND_GOODS"
            self._emit("escrow.trade_funded.v1")
            return
        self._emit("escrow.payment_returned.v1", reason)

    def _trade(self, data: Line, actor: str | None, verb: str) -> TradeState:
        trade = self.trades.get(data["trade_id"])
        if trade is None:
            raise Refused("trade_unknown")
        role, _, name = (actor or "").partition(":")
        may = (
            (role == "buyer" and name == trade.buyer and verb in BUYERS_ACTS)
            or (role == "seller" and name == trade.seller and verb in SELLERS_ACTS)
            or (role == "operator" and verb in OPERATORS_ACTS)
        )
        if actor is not None and not may:
            raise Refused("not_allowed")
        return trade

    def _ship_trade(self, data: Line, actor: str | None) -> None:
        trade = self._trade(data, actor, "ship_trade")
        if trade.state != "WAIT_SELLER_SEND_GOODS":
            raise Refused("wrong_state")
        trade.state = "WAIT_BUYER_CONFIRM_GOODS"
        self._emit("escrow.trade_shipped.v1")

    def _extend_receipt(self, data: Line, actor: str | None) -> None:
        trade = self._trade(data, actor, "extend_receipt")
        if trade.is_frozen:
            raise Refused("trade_frozen")
        if trade.state != "WAIT_BUYER_CONFIRM_GOODS":
            raise Refused("wrong_state")
        if trade.is_extended:
            raise Refused("extension_limit")
        trade.is_extended = True
        self._emit("escrow.receipt_extended.v1")

    def _confirm_receipt(self, data: Line, actor: str | None) -> None:
        trade = self._trade(data, actor, "confirm_receipt")
        if trade.is_frozen:
            raise Refused("trade_frozen")
        if trade.state != "WAIT_BUYER_CONFIRM_GOODS":
            raise Refused("wrong_state")
        if trade.has_open_refund:
            raise Refused("refund_open")
        self._release(trade)

    def _release(self, trade: TradeState) -> None:
        trade.released, trade.state = trade.paid - trade.refunded, "TRADE_SUCCESS"
        self._emit("escrow.trade_released.v1")
        merchant = self.accounts[trade.seller]
        merchant.pending += trade.released
        merchant.fee += _share(trade.released, 60)
        merchant.count += 1
        self._emit("settlement.credit_recorded.v1")

    def _cancel_trade(self, data: Line, actor: str | None) -> None:
        trade = self._trade(data, actor, "cancel_trade")
        if trade.is_frozen:
            raise Refused("trade_frozen")
        if trade.state != "WAIT_BUYER_PAY":
            raise Refused("wrong_state")
        self._close(trade, "cancelled")

    def _close(self, trade: TradeState, reason: str) -> None:
        trade.state = "TRADE_CLOSED"
        self._emit("escrow.trade_closed.v1", reason)

    def _apply_refund(self, data: Line, actor: str | None) -> None:
        trade = self._trade(data, actor, "apply_refund")
        if data["refund_id"] in trade.refunds:
            raise Refused("refund_exists")
        if trade.state not in {"WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS"}:
            raise Refused("wrong_state")
        if trade.has_open_refund:
            raise Refused("refund_open")
        if data["amount"]["currency"] != trade.currency:
            raise Refused("currency_mismatch")
        if data["amount"]["minor"] > trade.paid - trade.refunded:
            raise Refused("refund_exceeds")
        trade.refunds[data["refund_id"]] = (data["amount"]["minor"], "open")
        self._emit("escrow.refund_applied.v1")

    def _end_refund(self, verb: str, data: Line, actor: str | None) -> tuple[TradeState, int]:
        trade = self._trade(data, actor, verb)
        if data["refund_id"] not in trade.refunds:
            raise Refused("refund_unknown")
        minor, state = trade.refunds[data["refund_id"]]
        if verb == "agree_refund" and trade.is_frozen:
            raise Refused("trade_frozen")
        if state != "open":
            raise Refused("wrong_state")
        trade.refunds[data["refund_id"]] = (minor, "over")
        return trade, minor

    def _agree_refund(self, data: Line, actor: str | None) -> None:
        trade, minor = self._end_refund("agree_refund", data, actor)
        trade.refunded += minor
        self.accounts[trade.buyer].minor += minor
        self._emit("escrow.trade_refunded.v1")
        if trade.refunded == trade.paid:
            self._close(trade, "refunded")

    def _refuse_refund(self, data: Line, actor: str | None) -> None:
        self._end_refund("refuse_refund", data, actor)
        self._emit("escrow.refund_refused.v1")

    def _cancel_refund(self, data: Line, actor: str | None) -> None:
        self._end_refund("cancel_refund", data, actor)
        self._emit("escrow.refund_cancelled.v1")

    def _freeze_trade(self, data: Line, actor: str | None, *, wanted: bool = True) -> None:
        trade = self._trade(data, actor, "freeze_trade")
        if trade.state in {"TRADE_SUCCESS", "TRADE_CLOSED"} or trade.is_frozen is wanted:
            raise Refused("wrong_state")
        trade.is_frozen = wanted
        self._emit(f"escrow.trade_{'frozen' if wanted else 'unfrozen'}.v1")

    def _unfreeze_trade(self, data: Line, actor: str | None) -> None:
        self._freeze_trade(data, actor, wanted=False)

    def _close_window(self, data: Line, _: str | None) -> None:
        merchant = self.accounts.get(data["merchant"])
        if merchant is None or not merchant.count or merchant.currency != data["currency"]:
            raise Refused("window_empty")
        net = merchant.pending - merchant.fee
        self.fees[merchant.currency] += merchant.fee
        merchant.pending = merchant.fee = merchant.count = 0
        self._emit("settlement.window_closed.v1")
        merchant.available += net
        if merchant.bank is not None:
            self._pay_out(merchant, net)

    def _request_payout(self, data: Line, _: str | None) -> None:
        merchant = self._account(data["merchant"])
        if merchant.bank is None:
            raise Refused("payout_bank_missing")
        wanted = data.get("amount", {"minor": merchant.available, "currency": merchant.currency})
        if not 0 < wanted["minor"] <= merchant.available:
            raise Refused("insufficient_funds")
        if wanted["currency"] != merchant.currency:
            raise Refused("insufficient_funds")
        self._pay_out(merchant, wanted["minor"])

    def _pay_out(self, merchant: AccountState, minor: int) -> None:
        self._emit("settlement.payout_requested.v1")
        if (merchant.bank or "").startswith("bank_fail"):
            self._emit("settlement.payout_failed.v1", "bank_account_closed")
        else:
            merchant.available -= minor
            self._emit("settlement.payout_paid.v1")


def _share(minor: int, bps: int) -> int:
    """A share in basis points, half-even."""
    whole, rest = divmod(minor * bps, 10_000)
    return whole + (rest * 2 > 10_000 or (rest * 2 == 10_000 and whole % 2 == 1))


def _canonical(value: object) -> bytes:
    try:
        return rfc8785.dumps(json.loads(json.dumps(value)))
    except rfc8785.CanonicalizationError:
        return json.dumps(value, sort_keys=True).encode()
