"""Accounts, refusals and the count of events: what other folds and the figures rest on.

Source: contract.md, rows `accounts.*` and `escrow.create_trade`. Checks: `account.flow` (an
account is opened once, frozen and unfrozen in turn), `decision.seller` (a trade's seller is an
open merchant of the trade's currency and not its buyer).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .shapes import REJECTION
from .world import Account, World

if TYPE_CHECKING:
    from .report import Report
    from .rows import Event


class Accounts:
    """Folds the streams `account/<id>` and counts events and refusals."""

    def __init__(self, report: Report, world: World) -> None:
        """Start without accounts."""
        self._report = report
        self._world = world

    def event(self, event: Event) -> None:
        """Take one event, of whatever type: all are counted."""
        wire_type = event.row.type
        self._world.types[wire_type] += 1
        if not event.sound:
            return
        if event.name == REJECTION:
            self._world.refusals[event.facts["code"]] += 1
        elif wire_type == "accounts.account_opened.v1":
            self._opened(event)
        elif wire_type in ("accounts.account_frozen.v1", "accounts.account_unfrozen.v1"):
            self._frozen(event, is_frozen=event.name == "account_frozen.v1")
        elif wire_type == "escrow.trade_created.v1":
            self._created(event)

    def _opened(self, event: Event) -> None:
        facts = event.facts
        if facts["account_id"] in self._world.accounts:
            self._report.at(event.row, "account.flow", "a new account", "opened twice")
        self._world.accounts[facts["account_id"]] = Account(facts["kind"], facts["currency"])

    def _frozen(self, event: Event, *, is_frozen: bool) -> None:
        account = self._world.accounts.get(event.row.stream.partition("/")[2])
        if account is None or account.is_frozen is is_frozen:
            self._report.at(event.row, "account.flow", f"an account to be {event.name}", account)
        if account is not None:
            account.is_frozen = is_frozen

    def _created(self, event: Event) -> None:
        facts = event.facts
        seller = self._world.accounts.get(facts["seller"])
        wanted = ("merchant", facts["amount"]["currency"])
        if facts["seller"] == facts["buyer"]:
            self._report.at(event.row, "decision.seller", "another seller", "the buyer")
        elif seller is None or (seller.kind, seller.currency) != wanted:
            self._report.at(event.row, "decision.seller", wanted, seller or "no account")
