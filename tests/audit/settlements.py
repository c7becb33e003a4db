"""Credits, windows and payouts: what was released is cleared once, to the last minor unit.

Source: contract.md, the settlement rows and "Released amount = paid - refunded"; architecture.md,
9 (membership in a window is decided by the version of the merchant's stream).
Checks: `settlement.credit`, `settlement.fee`, `settlement.window`, `settlement.payout`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .world import Payout, Window, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .report import Report
    from .rows import Event

BASIS_POINTS: Final = 10_000


def fee_of(gross: int, fee_bps: int) -> int:
    """Return gross x fee_bps / 10,000, half to even, to the minor unit."""
    whole, rest = divmod(gross * fee_bps, BASIS_POINTS)
    half = rest * 2 - BASIS_POINTS
    return whole + (half > 0 or (half == 0 and whole % 2 == 1))


class Settlements:
    """Folds the streams `merchant/<id>`; the trades have taken the event before."""

    def __init__(self, report: Report, world: World) -> None:
        """Start without windows."""
        self._report = report
        self._world = world
        self._closed_version: dict[tuple[str, str], int] = {}
        self._steps: dict[str, Callable[[Event, Mapping[str, Any]], None]] = {
            "settlement.credit_recorded.v1": self._credit,
            "settlement.window_closed.v1": self._closed,
            "settlement.payout_requested.v1": self._requested,
            "settlement.payout_paid.v1": self._ended,
            "settlement.payout_failed.v1": self._ended,
        }

    def event(self, event: Event) -> None:
        """Take one event."""
        step = self._steps.get(event.row.type)
        if step is not None and event.sound:
            step(event, event.facts)

    def finish_at_rest(self) -> None:
        """Report what is still under way once the engine says that it is idle."""
        for trade_id, trade in self._world.trades.items():
            if trade.released and not trade.is_credited:
                stream = f"trade/{trade_id}"
                self._report.add("rest.credit", "a credit", "released only", stream=stream)
        for payout_id, payout in self._world.payouts.items():
            if payout.state == "requested":
                stream = f"merchant/{payout.merchant}"
                self._report.add("rest.payout", "an end", f"{payout_id} requested", stream=stream)

    def _credit(self, event: Event, facts: Mapping[str, Any]) -> None:
        row, trade = event.row, self._world.trades.get(facts["trade_id"])
        gross, currency = facts["gross"]["minor"], facts["gross"]["currency"]
        wanted = (trade.seller, trade.released, trade.currency) if trade else None
        if wanted != (facts["merchant"], gross, currency) or (trade and trade.is_credited):
            told = "credited twice" if trade and trade.is_credited else facts
            self._report.at(row, "settlement.credit", f"one credit of {wanted}", told)
        if trade is not None:
            trade.is_credited = True
        figures = [{"minor": n, "currency": currency} for n in self._fee(facts, gross)]
        if [facts["fee"], facts["net"]] != figures:
            found = [facts["fee"], facts["net"]]
            self._report.at(row, "settlement.fee", f"fee and net {figures}", found)
        window = self._world.windows.setdefault(
            facts["window_id"], Window(facts["merchant"], currency, version_min=row.version)
        )
        if window.is_closed or (window.merchant, window.currency) != (facts["merchant"], currency):
            self._report.at(row, "settlement.window", "an open window of its own", window)
        window.gross += gross
        window.fee += facts["fee"]["minor"]
        window.net += facts["net"]["minor"]
        window.count += 1
        window.version_max = row.version

    def _fee(self, facts: Mapping[str, Any], gross: int) -> tuple[int, int]:
        fee = fee_of(gross, facts["fee_bps"])
        return fee, gross - fee

    def _closed(self, event: Event, facts: Mapping[str, Any]) -> None:
        row, merchant = event.row, facts["merchant"]
        window = self._world.windows.get(facts["window_id"])
        if window is None or window.is_closed:
            self._report.at(row, "settlement.window", "a window with credits, closed once", window)
            return
        names = ("gross", "fee", "net")
        wanted = [{"minor": getattr(window, n), "currency": window.currency} for n in names]
        found = [facts[name] for name in names]
        if wanted != found or (window.merchant, window.count) != (merchant, facts["count"]):
            expected = f"the sum of the {window.count} credits of {window.merchant}: {wanted}"
            self._report.at(row, "settlement.window", expected, facts)
        first, last = facts["first_version"], facts["last_version"]
        before = self._closed_version.get((merchant, window.currency), 0)
        inside = before < first <= window.version_min <= window.version_max <= last <= row.version
        if not inside:
            expected = f"versions {window.version_min} to {window.version_max}, after {before}"
            self._report.at(row, "settlement.window", expected, f"{first} to {last}")
        self._closed_version[(merchant, window.currency)] = last
        window.is_closed = True

    def _requested(self, event: Event, facts: Mapping[str, Any]) -> None:
        amount, window_id = facts["amount"], facts.get("window_id")
        if facts["payout_id"] in self._world.payouts:
            self._report.at(event.row, "settlement.payout", "a new payout", "requested twice")
        if window_id is not None:
            window = self._world.windows.get(window_id)
            wanted = (window.net, window.currency, window.merchant) if window else None
            found = (amount["minor"], amount["currency"], facts["merchant"])
            if window is None or not window.is_closed or window.is_paid_out or wanted != found:
                expected = f"one payout of {window_id}'s net once closed, {wanted}"
                self._report.at(event.row, "settlement.payout", expected, found)
            if window is not None:
                window.is_paid_out = True
        self._world.payouts[facts["payout_id"]] = Payout(
            facts["merchant"], amount["minor"], amount["currency"]
        )

    def _ended(self, event: Event, facts: Mapping[str, Any]) -> None:
        payout = self._world.payouts.get(facts["payout_id"])
        state = event.name.removeprefix("payout_").removesuffix(".v1")
        amount = facts["amount"]
        wanted = Payout(facts["merchant"], amount["minor"], amount["currency"])
        if payout != wanted:
            self._report.at(event.row, "settlement.payout", f"one end of {wanted}", payout)
        if payout is not None:
            payout.state = state
            self._world.last_payout[facts["merchant"]] = state
