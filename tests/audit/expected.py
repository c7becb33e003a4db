"""The figures of a market day, field by field (`../shared/data/README.md`).

Checks: `expected.<field>` for each field of `expected.json`, worked out from the raw log, and
with the command files at hand `expected.command_ids` and `expected.bodies`: every id of the
files is in the inbox, with a body that was sent under it. Without the files the inbox can only
be held to have enough ids: timers add some of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from .chart import customer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .report import Report
    from .rows import InboxRow, Line
    from .world import World

HOME_CURRENCY = "CNY"


class Sent:
    """The ids and bodies of the command files, held against the inbox."""

    def __init__(self, report: Report, lines: Iterable[Line] | None, reused: set[str]) -> None:
        """Take all lines; None means that the files are not at hand."""
        self._report = report
        self._bodies: defaultdict[str, set[str]] | None = None
        self._reused = reused
        self._met: set[str] = set()
        self._inbox_count = 0
        if lines is not None:
            self._bodies = defaultdict(set)
            for line in lines:
                self._bodies[line.message_id].add(line.body)

    def inbox(self, row: InboxRow) -> None:
        """Look at one command of the inbox; ids that no file has are timers' own."""
        self._inbox_count += 1
        if self._bodies is None or row.message_id not in self._bodies:
            return
        self._met.add(row.message_id)
        if row.body not in self._bodies[row.message_id]:
            place = f"inbox/{row.message_id}"
            sent = sorted(self._bodies[row.message_id])
            self._report.add("expected.bodies", sent, row.body, stream=place)

    def finish(self, expected: Mapping[str, Any]) -> None:
        """Compare the number of ids, and name one that was never answered."""
        wanted = expected.get("command_ids")
        if self._bodies is None:
            if wanted is not None and self._inbox_count < wanted:
                self._report.add("expected.command_ids", f">= {wanted}", self._inbox_count)
            return
        if wanted is not None and wanted != len(self._bodies):
            self._report.add("expected.command_ids", wanted, f"{len(self._bodies)} in the files")
        for message_id in sorted(self._bodies.keys() - self._met):
            place = f"inbox/{message_id}"
            self._report.add("expected.command_ids", "a row", "none", stream=place)
        for message_id, bodies in self._bodies.items():
            if (len(bodies) > 1) != (message_id in self._reused):
                found = "refused as reused" if message_id in self._reused else "not refused"
                place = f"inbox/{message_id}"
                self._report.add("expected.bodies", f"{len(bodies)} bodies", found, stream=place)


class Figures:
    """The finished fold in the words of `expected.json`."""

    def __init__(self, report: Report, world: World, reused: set[str]) -> None:
        """Keep the finished fold."""
        self._report = report
        self._world = world
        self._reused = reused

    def compare(self, expected: Mapping[str, Any]) -> None:
        """Compare every field that is there; unknown fields are left alone."""
        world = self._world
        wanted_types = expected.get("events", {})
        self._equal(expected, "events", {name: world.types[name] for name in wanted_types})
        self._equal(expected, "refusals", dict(world.refusals))
        self._equal(expected, "declines", dict(world.declines))
        self._equal(expected, "returns", dict(world.returns))
        self._equal(expected, "reused_ids", len(self._reused))
        self._trades(expected)
        self._customers(expected)
        self._merchants(expected)
        fees = self._sums("O.INC.FEE")
        self._equal(expected, "fees_total", {c: n for c, n in fees.items() if n})
        self._equal(expected, "escrow_held_total", sum(self._sums("R.ESCROW").values()))

    def _trades(self, expected: Mapping[str, Any]) -> None:
        trades = self._world.trades
        found = {i: [t.state, t.paid, t.refunded, t.released] for i, t in trades.items()}
        self._equal(expected, "trades", found)
        states = dict(Counter(trade.state for trade in trades.values()))
        self._equal(expected, "trade_states", states)

    def _customers(self, expected: Mapping[str, Any]) -> None:
        accounts = self._world.accounts
        frozen = sorted(i for i, account in accounts.items() if account.is_frozen)
        wanted = expected.get("customer_frozen_accounts", [])
        self._equal(
            {"customer_frozen_accounts": sorted(wanted)}, "customer_frozen_accounts", frozen
        )
        currency = {i: a.currency for i, a in accounts.items() if a.currency != HOME_CURRENCY}
        self._equal(expected, "currency", currency)
        available: Counter[str] = Counter()
        for (account, _), minor in self._world.balances.items():
            owner = customer_of(account)
            if owner is not None:
                available[owner] += minor
        personal = [i for i, account in accounts.items() if account.kind == "personal"]
        found = {i: available[i] for i in {*personal, *available}}
        self._equal_but_zeros(expected, "customer_available", found)

    def _merchants(self, expected: Mapping[str, Any]) -> None:
        world = self._world
        found: dict[str, dict[str, Any]] = {}
        for window in world.windows.values():
            figures = found.setdefault(
                window.merchant,
                {"gross": 0, "fee": 0, "net": 0, "count": 0, "currency": window.currency},
            )
            figures["payout"] = world.last_payout.get(window.merchant)
            for name in ("gross", "fee", "net", "count"):
                figures[name] += getattr(window, name)
        wanted = expected.get("merchants", {})
        kept = {i: f for i, f in wanted.items() if f.get("count") or i in found}
        self._equal({"merchants": kept} if "merchants" in expected else {}, "merchants", found)
        available: Counter[str] = Counter()
        for (account, _), minor in world.balances.items():
            if account.startswith("R.MAVL."):
                available[account[len("R.MAVL.") :]] += minor
        self._equal_but_zeros(expected, "merchant_available", dict(available))

    def _sums(self, head: str) -> Counter[str]:
        """Sum the balances of an account and all below it, by currency."""
        sums: Counter[str] = Counter()
        for (account, currency), minor in self._world.balances.items():
            if account == head or account.startswith(f"{head}."):
                sums[currency] += minor
        return sums

    def _equal_but_zeros(
        self, expected: Mapping[str, Any], field: str, found: Mapping[str, int]
    ) -> None:
        """Compare balances by owner; one of 0 is as good as none."""
        if field in expected:
            wanted = {owner: minor for owner, minor in expected[field].items() if minor}
            self._equal({field: wanted}, field, {i: n for i, n in found.items() if n})

    def _equal(self, expected: Mapping[str, Any], field: str, found: object) -> None:
        """Compare one field, and name each entry of it that differs."""
        if field not in expected or expected[field] == found:
            return
        wanted, check = expected[field], f"expected.{field}"
        if not isinstance(wanted, dict) or not isinstance(found, dict):
            self._report.add(check, wanted, found)
            return
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                self._report.add(check, wanted.get(name), found.get(name), stream=name)
