"""A small marketplace in one dict a thing, written from the contract and not from the engine.

It answers a command with the events it causes, at once and in full; times are not modelled, a
timer may fire at any moment after it was set.  It exists to show that market days can be
published to their end in any order of delivery, and that their outcome does not depend on it.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import msgspec
import rfc8785

from danbao.contracts.catalogue import COMMANDS

Line = dict[str, Any]
Seen = tuple[str, str, str, str]
"""Key, event type, cause, code or reason."""


class Refused(Exception):  # noqa: N818  a word of the contract
    """A command gets this code for an answer."""


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


class Desk:
    """Answers commands; here those about accounts, lists and payouts."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountState] = {}
        self.listed: set[tuple[str, str]] = set()
        self.top_ups: set[str] = set()
        self.events: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.fees: Counter[str] = Counter()
        self._bodies: defaultdict[str, set[bytes]] = defaultdict(set)
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


def _canonical(value: object) -> bytes:
    try:
        return rfc8785.dumps(json.loads(json.dumps(value)))
    except rfc8785.CanonicalizationError:
        return json.dumps(value, sort_keys=True).encode()
