"""The trades of the small marketplace: payments, refunds, freezes and their timers."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.unit.testing.market_model import AccountState, Desk, Line, Refused, Seen

SHORT_S = 60
VELOCITY_MAX = 30
PRICE_MAX = 5_000_000
BUYERS_ACTS = {"confirm_receipt", "extend_receipt", "apply_refund", "cancel_refund", "cancel_trade"}
SELLERS_ACTS = {"ship_trade", "agree_refund", "refuse_refund"}
OPERATORS_ACTS = {"freeze_trade", "unfreeze_trade"}


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


class Market(Desk):
    """The whole market.  `answer` takes a command, `fire` lets one timer go off."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self.trades: dict[str, TradeState] = {}
        self.payments: set[str] = set()
        self.payments_of: Counter[str] = Counter()
        self._hasty: list[str] = []

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
        self.payments.add(data["payment_id"])
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


def _share(minor: int, bps: int) -> int:
    """A share in basis points, half-even."""
    whole, rest = divmod(minor * bps, 10_000)
    return whole + (rest * 2 > 10_000 or (rest * 2 == 10_000 and whole % 2 == 1))
