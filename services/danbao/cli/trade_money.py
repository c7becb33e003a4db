"""Where the money of a trade is in the end: its payments, and its seller's settlement (pure)."""

from typing import Any

from rich.table import Table

from danbao.cli.format import amount_text, money_text, plain_table, time_text
from danbao.cli.trade_story import Happened, Story

FUNDED = "funded"
RELEASED = "escrow.trade_released.v1"
REFUNDED = "escrow.trade_refunded.v1"


def outcomes(story: Story) -> list[dict[str, Any]]:
    """Each payment with what finally became of it: held, released and refunded amounts.

    Only one payment funds a trade; what is released and refunded later is of that one.
    """
    released, refunded = _sum(story.events, RELEASED), _sum(story.events, REFUNDED)
    return [
        payment
        | (
            {
                "held_minor": payment["amount_minor"] - released - refunded,
                "released_minor": released,
                "refunded_minor": refunded,
            }
            if payment["status"] == FUNDED
            else {"held_minor": 0, "released_minor": 0, "refunded_minor": 0}
        )
        for payment in story.payments
    ]


def _sum(events: list[Happened], event_type: str) -> int:
    return sum(event.data["amount"]["minor"] for event in events if event.row.type == event_type)


def outcome_text(payment: dict[str, Any]) -> str:
    """What became of a payment, in words; a status that is not the end is told as it is."""
    status, code = payment["status"], payment["code"] or ""
    if status == "returned":
        return f"returned to the payer: {code}"
    if status == "declined":
        return f"declined: {code}"
    if status != FUNDED:
        return f"{status}, on its way"
    currency = payment["currency"]
    parts = [
        f"{amount_text(payment[name + '_minor'], currency)} {word}"
        for name, word in (
            ("held", "held for the trade"),
            ("released", "released to the seller"),
            ("refunded", "refunded to the payer"),
        )
        if payment[f"{name}_minor"]
    ]
    return ", ".join(parts)


def payments_table(story: Story) -> Table:
    """Each payment, and where its money is now."""
    columns = ("payment", "payer", "amount", "what became of it", "risk")
    table = plain_table(*columns, title="Payments", right=("amount",))
    for payment in outcomes(story):
        table.add_row(
            payment["payment_id"],
            payment["payer"],
            money_text(payment["amount_minor"], payment["currency"]),
            outcome_text(payment),
            f"{payment['risk_decision'] or ''} {payment['risk_reasons'] or ''}".strip(),
        )
    return table


def settlement_table(story: Story) -> Table:
    """The seller's windows that this trade is in, and how they were paid out."""
    table = plain_table("", "", title="Settlement with the seller")
    for credit in story.credits:
        table.add_row("gross", _money(credit["gross"]))
        table.add_row("fee", _money(credit["fee"]))
        table.add_row("net", _money(credit["net"]))
        window = story.windows.get(credit["window_id"])
        table.add_row("window", credit["window_id"])
        if window is None:
            table.add_row("", "the read model has not come to it yet")
            continue
        if window["state"] == "open":
            table.add_row("state", "open: not paid out yet")
            continue
        table.add_row("closed", time_text(window["closed_at"]))
        table.add_row("payout", _payout_text(window))
    return table


def _payout_text(window: dict[str, Any]) -> str:
    """How the window's payout went, and where the money is when it failed."""
    if window["payout_id"] is None:
        return f"none: the seller has no bank; the net is available in R.MAVL.{window['merchant']}"
    text = f"{window['payout_id']}: {window['payout_state']}"
    if window["payout_state"] != "failed":
        return text
    return (
        f"{text}, {window['payout_reason']}; the net went back to R.MAVL.{window['merchant']}\n"
        f"later payouts: danbao log --stream merchant/{window['merchant']}"
    )


def _money(money: dict[str, Any]) -> str:
    return money_text(money["minor"], money["currency"])
