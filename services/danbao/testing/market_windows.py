"""The third file of a market day: merchants close their windows and are paid out."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from danbao.testing.market_flow import MarketFlow
from danbao.testing.market_people import Merchant, People
from danbao.testing.market_plan import Tally

REFUSED: Final = "settlement.command_rejected.v1"
PAID: Final = "settlement.payout_paid.v1"
FAILED: Final = "settlement.payout_failed.v1"
STEP_MS: Final = 50.0


class Closing:
    """Writes the flows of the third file."""

    def __init__(self, people: People, tally: Tally, at_ms: float) -> None:
        """Begin when the trades are over."""
        self._people = people
        self._tally = tally
        self._random = Random(f"{people.seed}/windows")  # noqa: S311
        self._at_ms = at_ms

    def flows(self) -> Iterator[MarketFlow]:
        """One flow a merchant."""
        for merchant in self._people.merchants:
            self._at_ms += 10
            name = merchant.account_id
            flow = MarketFlow(name, self._people.source, self._random, self._at_ms, STEP_MS)
            if name in self._tally.sellers:
                self._settle(flow, merchant)
            else:
                _close(flow, merchant, REFUSED)
            flow.wait()
            yield flow

    def _settle(self, flow: MarketFlow, merchant: Merchant) -> None:
        """Close the window; who has no working bank sets one and asks again."""
        match merchant.bank:
            case "ok":
                _close(flow, merchant, PAID)
                if self._random.random() < 0.5:  # noqa: PLR2004
                    _close(flow, merchant, REFUSED)
                    _request(flow, merchant, REFUSED, minor=1)
            case "fail":
                _close(flow, merchant, FAILED)
                _set_bank(flow, merchant)
                _request(flow, merchant, PAID)
            case "none":
                _close(flow, merchant, "settlement.window_closed.v1")
                _request(flow, merchant, REFUSED)
                _set_bank(flow, merchant)
                _request(flow, merchant, PAID, minor=1)
                _request(flow, merchant, PAID)


def _close(flow: MarketFlow, merchant: Merchant, causes: str) -> None:
    data = {"merchant": merchant.account_id, "currency": merchant.currency}
    flow.send("settlement.close_window.v1", data, causes)


def _set_bank(flow: MarketFlow, merchant: Merchant) -> None:
    data = {"account_id": merchant.account_id, "payout_bank": f"bank_ok_{merchant.account_id}"}
    flow.send("accounts.set_payout_bank.v1", data, "accounts.payout_bank_set.v1")


def _request(flow: MarketFlow, merchant: Merchant, causes: str, minor: int | None = None) -> None:
    data: dict[str, Any] = {"merchant": merchant.account_id}
    if minor is not None:
        data["amount"] = {"minor": minor, "currency": merchant.currency}
    flow.send("settlement.request_payout.v1", data, causes)
