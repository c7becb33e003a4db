"""One trade on the market: the steps a buyer, a seller and an operator can take.

Each step says what it is certain to cause, so that the next one waits for exactly that.
"""

from dataclasses import dataclass
from typing import Any, Final

from danbao.testing.market_flow import CommandLine, MarketFlow
from danbao.testing.market_people import People

CREATED: Final = "escrow.trade_created.v1"
FUNDED: Final = "escrow.trade_funded.v1"
RETURNED: Final = "escrow.payment_returned.v1"
DECLINED: Final = "authorization.payment_declined.v1"
SHIPPED: Final = "escrow.trade_shipped.v1"
CREDITED: Final = "settlement.credit_recorded.v1"
CLOSED: Final = "escrow.trade_closed.v1"
REFUSED: Final = "escrow.command_rejected.v1"
UNAUTHORIZED: Final = "authorization.command_rejected.v1"

_CARRIERS = ("SF", "YTO", "ZTO", "EMS", "DHL")
_REASONS = ("not as described", "质量问题", "changed my mind", "少件", "arrived late")


@dataclass(frozen=True, slots=True)
class Deal:
    """What is planned: who trades with whom, for how much."""

    number: int
    trade_id: str
    buyer: str
    seller: str
    amount_minor: int
    currency: str
    title: str
    second: str
    """Another payer, where the scene has one."""

    @property
    def foreign_currency(self) -> str:
        """The other of the market's two currencies."""
        return "CNY" if self.currency == "USD" else "USD"


class Trade:
    """Writes the lines of one trade."""

    def __init__(self, flow: MarketFlow, deal: Deal, people: People) -> None:
        """Some flows name the party of each command, most leave it to the upstream system."""
        self.flow = flow
        self.deal = deal
        self.people = people
        self.random = flow.random
        self._is_named = self.random.random() < 0.15  # noqa: PLR2004
        self._payments = 0

    def money(self, minor: int | None = None, currency: str | None = None) -> dict[str, Any]:
        """Write an amount, the price unless told otherwise."""
        deal = self.deal
        minor = deal.amount_minor if minor is None else minor
        return {"minor": minor, "currency": currency or deal.currency}

    def part(self) -> int:
        """Draw a part of the price that leaves something to both sides."""
        return self.random.randint(1, self.deal.amount_minor // 2)

    def create(self, *causes: str, **changes: Any) -> CommandLine:  # noqa: ANN401
        """Agree on the trade; `changes` replace or add fields."""
        deal = self.deal
        data = {
            "trade_id": deal.trade_id,
            "buyer": deal.buyer,
            "seller": deal.seller,
            "amount": self.money(),
            "title": deal.title,
        }
        actor = self._actor(f"buyer:{deal.buyer}")
        return self.flow.send(
            "escrow.create_trade.v1", data | changes, *(causes or (CREATED,)), actor=actor
        )

    def pay(self, *causes: str, **changes: Any) -> CommandLine:  # noqa: ANN401
        """Pay from the wallet; every payment has an id of its own."""
        data = self.payment(**changes)
        actor = self._actor(f"buyer:{data['payer']}")
        return self.flow.send(
            "authorization.authorize_payment.v1", data, *(causes or (FUNDED,)), actor=actor
        )

    def payment(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """Write a payment, now and then with the device and address it came from."""
        self._payments += 1
        data: dict[str, Any] = {
            "payment_id": f"{self.deal.trade_id}-p{self._payments}",
            "trade_id": self.deal.trade_id,
            "payer": self.deal.buyer,
            "amount": self.money(),
            "method": "balance",
        }
        if self.random.random() < 0.3:  # noqa: PLR2004
            data["device_id"] = f"device-{self.deal.buyer}"
            data["ip"] = f"10.{'.'.join(str(self.random.randrange(256)) for _ in range(3))}"
        return data | changes

    def ship(self, *causes: str, **changes: Any) -> CommandLine:  # noqa: ANN401
        """Hand the goods to a carrier."""
        carrier = self.random.choice(_CARRIERS)
        tracking = f"{carrier}{self.random.randrange(10**12):012d}"
        data = {"carrier": carrier, "tracking_no": tracking} | changes
        return self._step("ship_trade", f"seller:{self.deal.seller}", causes or (SHIPPED,), data)

    def confirm(self, *causes: str) -> CommandLine:
        """Confirm receipt."""
        return self._step("confirm_receipt", self._buyer, causes or (CREDITED,))

    def extend(self, *causes: str) -> CommandLine:
        """Ask for more days."""
        data = {"days": self.random.randint(1, 10)}
        wanted = causes or ("escrow.receipt_extended.v1",)
        return self._step("extend_receipt", self._buyer, wanted, data)

    def cancel(self, *causes: str) -> CommandLine:
        """Give up before payment."""
        data = {"reason": "out of stock"}
        return self._step("cancel_trade", self._buyer, causes or (CLOSED,), data)

    def apply(self, minor: int, *causes: str, number: int = 1, **changes: Any) -> CommandLine:  # noqa: ANN401
        """Ask for money back."""
        data: dict[str, Any] = {
            "refund_id": f"{self.deal.trade_id}-r{number}",
            "amount": self.money(minor),
            "kind": self.random.choice(("money_only", "money_only", "return_and_refund")),
            "reason": self.random.choice(_REASONS),
        }
        wanted = causes or ("escrow.refund_applied.v1",)
        return self._step("apply_refund", self._buyer, wanted, data | changes)

    def agree(self, *causes: str, number: int = 1) -> CommandLine:
        """Agree to a refund."""
        wanted = causes or ("escrow.trade_refunded.v1",)
        return self._refund_step("agree_refund", f"seller:{self.deal.seller}", wanted, number)

    def refuse(self, *causes: str, number: int = 1) -> CommandLine:
        """Refuse a refund."""
        wanted = causes or ("escrow.refund_refused.v1",)
        return self._refund_step("refuse_refund", f"seller:{self.deal.seller}", wanted, number)

    def withdraw(self, *causes: str, number: int = 1) -> CommandLine:
        """Take the application for a refund back."""
        wanted = causes or ("escrow.refund_cancelled.v1",)
        return self._refund_step("cancel_refund", self._buyer, wanted, number)

    def freeze(self, *causes: str) -> CommandLine:
        """Stop the trade."""
        wanted = causes or ("escrow.trade_frozen.v1",)
        return self._step("freeze_trade", "operator:desk-1", wanted, {"reason": "举报"})

    def unfreeze(self, *causes: str) -> CommandLine:
        """Let the trade go on."""
        wanted = causes or ("escrow.trade_unfrozen.v1",)
        return self._step("unfreeze_trade", "operator:desk-1", wanted, {"reason": "cleared"})

    @property
    def _buyer(self) -> str:
        return f"buyer:{self.deal.buyer}"

    def _actor(self, party: str) -> str | None:
        return party if self._is_named else None

    def _refund_step(
        self, verb: str, party: str, causes: tuple[str, ...], number: int
    ) -> CommandLine:
        refund = {"refund_id": f"{self.deal.trade_id}-r{number}"}
        return self._step(verb, party, causes, refund)

    def _step(
        self,
        verb: str,
        party: str,
        causes: tuple[str, ...],
        data: dict[str, Any] | None = None,
    ) -> CommandLine:
        """Send a command about this trade."""
        body = {"trade_id": self.deal.trade_id} | (data or {})
        return self.flow.send(f"escrow.{verb}.v1", body, *causes, actor=self._actor(party))
