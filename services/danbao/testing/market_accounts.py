"""The first file of a market day: merchants and buyers open accounts and bring money."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from danbao.testing.market_flow import MarketFlow
from danbao.testing.market_people import Merchant, People
from danbao.testing.market_plan import PAYMENTS_A_BUYER_MAX, Tally

OPENED: Final = "accounts.account_opened.v1"
SETTLED: Final = "accounts.top_up_settled.v1"
REFUSED: Final = "accounts.command_rejected.v1"
LISTED: Final = "risk.list_entry_added.v1"
POOR_MINOR: Final = 50
"""Less than any price."""
PLENTY_MINOR: Final = 10**10
STEP_MS: Final = 20.0


class Opening:
    """Writes the flows of the first file, in the order of the day."""

    def __init__(self, people: People, tally: Tally) -> None:
        """Everybody gets what the plan says they need."""
        self._people = people
        self._tally = tally
        self._random = Random(f"{people.seed}/accounts")  # noqa: S311
        self._at_ms = 0.0

    def flows(self) -> Iterator[MarketFlow]:
        """Merchants, buyers, payers with a role, block lists, and a few who err."""
        people, special = self._people, self._tally.special
        for merchant in people.merchants:
            yield self._merchant(merchant)
        for number in range(people.buyers):
            yield self._buyer(number)
        for role, letter in (("poor", "P"), ("frozen", "F"), ("listed", "L"), ("busy", "V")):
            for number in range(-(-special[role] // PAYMENTS_A_BUYER_MAX)):
                yield getattr(self, f"_{role}")(people.special(letter, number))
        yield self._listed_value("device", people.blocked_device)
        yield self._listed_value("ip", people.blocked_ip)
        yield self._nobody()

    def _flow(self, key: str) -> MarketFlow:
        """Begin a flow a little after the last."""
        self._at_ms += 10
        return MarketFlow(key, self._people.source, self._random, self._at_ms, STEP_MS)

    def _merchant(self, merchant: Merchant) -> MarketFlow:
        """Open a merchant's account; the first one tries twice."""
        flow = self._flow(merchant.account_id)
        data = {
            "account_id": merchant.account_id,
            "kind": "merchant",
            "currency": merchant.currency,
        }
        bank = f"bank_{merchant.bank}_{merchant.account_id}"
        flow.send(
            "accounts.open_account.v1",
            data if merchant.bank == "none" else data | {"payout_bank": bank},
            OPENED,
        )
        if merchant is self._people.merchants[0]:
            flow.send("accounts.open_account.v1", data, REFUSED)
        flow.wait()
        return flow

    def _person(self, name: str, currency: str = "CNY") -> MarketFlow:
        """Open a personal account."""
        flow = self._flow(name)
        data = {"account_id": name, "kind": "personal", "currency": currency, "tier": "III"}
        flow.send("accounts.open_account.v1", data, OPENED)
        return flow

    def _top_up(self, flow: MarketFlow, parts: list[int], currency: str = "CNY") -> None:
        """Bring money in parts, all under way together; now and then a card is slow or fails."""
        name = flow.key
        if self._random.random() < 0.03:  # noqa: PLR2004
            money = {"minor": 10_000, "currency": currency}
            data = _top_up(name, "u0", money, "card_fail_1")
            flow.send("accounts.top_up.v1", data, "accounts.top_up_failed.v1")
        card = "card_slow" if self._random.random() < 0.02 else "card_ok"  # noqa: PLR2004
        for number, minor in enumerate(parts, start=1):
            money = {"minor": minor, "currency": currency}
            data = _top_up(name, f"u{number}", money, f"{card}_{number}")
            send = flow.send if number == 1 else flow.send_along
            line = send("accounts.top_up.v1", data, SETTLED)
            if self._random.random() < 0.02:  # noqa: PLR2004
                flow.repeat(line)

    def _buyer(self, number: int) -> MarketFlow:
        """Open a wallet with enough in it; some try what cannot be."""
        people, random = self._people, self._random
        name, currency = people.buyer(number), people.buyer_currency(number)
        flow = self._person(name, currency)
        wanted = self._tally.need_minor[name] + random.randint(1_000, 50_000)
        count = random.choice((1, 1, 2, 3))
        self._top_up(flow, [-(-wanted // count)] * count, currency)
        match number % 50:
            case 7:
                _freeze(flow, "mistake")
                data = {"account_id": name, "reason": "cleared"}
                flow.send("accounts.unfreeze_account.v1", data, "accounts.account_unfrozen.v1")
                flow.send("accounts.unfreeze_account.v1", data, REFUSED)
            case 17:
                data = _top_up(name, "u1", {"minor": 5, "currency": currency}, "card_ok_1")
                flow.send("accounts.top_up.v1", data, REFUSED)
            case 27:
                data = _top_up(name, "u9", {"minor": 5, "currency": "JPY"}, "card_ok_1")
                flow.send("accounts.top_up.v1", data, REFUSED)
            case 37:
                entry = _entry("account", name, "fraud report")
                flow.send("risk.add_to_list.v1", entry, LISTED, actor="operator:desk-2")
                entry = _entry("account", name, "a mistake")
                flow.send("risk.remove_from_list.v1", entry, "risk.list_entry_removed.v1")
            case _:
                pass
        flow.wait()
        return flow

    def _poor(self, name: str) -> MarketFlow:
        """Open a wallet with less in it than anything costs."""
        flow = self._person(name)
        self._top_up(flow, [POOR_MINOR])
        flow.wait()
        return flow

    def _busy(self, name: str) -> MarketFlow:
        """Open the wallet of somebody who pays too often."""
        flow = self._person(name)
        self._top_up(flow, [self._tally.need_minor[name]])
        flow.wait()
        return flow

    def _frozen(self, name: str) -> MarketFlow:
        """Open a wallet with plenty in it, and freeze it."""
        flow = self._person(name)
        self._top_up(flow, [PLENTY_MINOR])
        _freeze(flow, "police request")
        again = {"account_id": name, "reason": "again"}
        flow.send("accounts.freeze_account.v1", again, REFUSED)
        data = _top_up(name, "u9", {"minor": 100, "currency": "CNY"}, "card_ok_1")
        flow.send("accounts.top_up.v1", data, REFUSED)
        flow.wait()
        return flow

    def _listed(self, name: str) -> MarketFlow:
        """Open a wallet with plenty in it, and put it on the block list."""
        flow = self._person(name)
        self._top_up(flow, [PLENTY_MINOR])
        refused = "risk.command_rejected.v1"
        flow.send("risk.add_to_list.v1", _entry("account", name, "fraud report"), LISTED)
        flow.send("risk.add_to_list.v1", _entry("account", name, "twice"), refused)
        flow.send("risk.remove_from_list.v1", _entry("device", name, "not there"), refused)
        flow.wait()
        return flow

    def _listed_value(self, kind: str, value: str) -> MarketFlow:
        """Put a device or an address on the block list."""
        flow = self._flow(value)
        flow.send("risk.add_to_list.v1", _entry(kind, value, "stolen"), LISTED)
        flow.wait()
        return flow

    def _nobody(self) -> MarketFlow:
        """Somebody without an account, whose commands are refused."""
        name = self._people.special("X", 0)
        flow = self._flow(name)
        data = _top_up(name, "u1", {"minor": 100, "currency": "CNY"}, "card_ok_1")
        flow.send("accounts.top_up.v1", data, REFUSED)
        wrong = {"account_id": name, "kind": "merchant", "currency": "CNY", "tier": "II"}
        flow.send("accounts.open_account.v1", wrong, REFUSED)
        flow.wait()
        return flow


def _top_up(name: str, number: str, amount: dict[str, Any], card: str) -> dict[str, Any]:
    """Write a top-up; its id is unique everywhere."""
    return {
        "top_up_id": f"{name}-{number}",
        "account_id": name,
        "amount": amount,
        "bank_card": card,
    }


def _entry(kind: str, value: str, reason: str) -> dict[str, Any]:
    """Write an entry of the block list."""
    return {"list": "block", "kind": kind, "value": value, "reason": reason}


def _freeze(flow: MarketFlow, reason: str) -> None:
    """Freeze the account of the flow."""
    data = {"account_id": flow.key, "reason": reason}
    flow.send(
        "accounts.freeze_account.v1", data, "accounts.account_frozen.v1", actor="operator:desk-2"
    )
