"""Double entry at every position (domain.md, 3.2: I1, I2, I4, I5; architecture.md, 4).

Checks: `ledger.chart` (every account is in the chart), `ledger.book` (a posting stays inside
one book), `ledger.sign` (no account of the wrong sign), `ledger.reserve` (I2: what book R has
is what book R owes, per currency), `ledger.balance` (the same of the other books),
`ledger.mirror` (I4: accounts that say the same in two books agree). A posting cannot be
unbalanced, so what is checked is that no event makes money by leaving its book.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .chart import CREDIT, DEBIT, is_signless, mirror_of, pool_of, side_of

if TYPE_CHECKING:
    from .report import Report
    from .rows import Event, Posting
    from .world import World


class Ledger:
    """Folds postings into balances and looks at each of them after every event."""

    def __init__(self, report: Report, world: World) -> None:
        """Start with empty books."""
        self._report = report
        self._balances = world.balances
        self._sides: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._pools: defaultdict[tuple[str, str], int] = defaultdict(int)

    def event(self, event: Event) -> None:
        """Post an event, then hold the books it touched against the invariants."""
        if not event.postings:
            return
        touched: set[tuple[str, str]] = set()
        for posting in event.postings:
            if posting.debit.partition(".")[0] != posting.credit.partition(".")[0]:
                what = f"{posting.debit} / {posting.credit}"
                self._report.at(event.row, "ledger.book", "both accounts in one book", what)
            self._post(event, posting, posting.debit, DEBIT)
            self._post(event, posting, posting.credit, CREDIT)
            touched.add((posting.debit, posting.currency))
            touched.add((posting.credit, posting.currency))
        for account, currency in touched:
            balance = self._balances.get((account, currency), 0)
            if balance < 0 and not is_signless(account):
                found = f"{balance} {currency}"
                self._report.at(event.row, "ledger.sign", f"{account} not below 0", found)
            self._mirror(event, account, currency)
        for book, currency in {(account[:1], currency) for account, currency in touched}:
            self._book(event, book, currency)

    def _post(self, event: Event, posting: Posting, account: str, direction: int) -> None:
        side = side_of(account)
        if side is None:
            self._report.at(event.row, "ledger.chart", "an account of the chart", account)
            return
        amount = posting.minor * direction * side
        key = (account, posting.currency)
        self._balances[key] = self._balances.get(key, 0) + amount
        self._sides[(account[:1], posting.currency, side)] += amount
        if mirror_of(account) is not None:
            self._pools[(pool_of(account), posting.currency)] += amount

    def _book(self, event: Event, book: str, currency: str) -> None:
        assets = self._sides[(book, currency, DEBIT)]
        liabilities = self._sides[(book, currency, CREDIT)]
        if assets != liabilities:
            check = "ledger.reserve" if book == "R" else "ledger.balance"
            expected = f"book {book} in {currency}: debit side = credit side"
            self._report.at(event.row, check, expected, f"{assets} and {liabilities}")

    def _mirror(self, event: Event, account: str, currency: str) -> None:
        pair = mirror_of(account)
        if pair is None:
            return
        ours, theirs = (self._pools[(pool, currency)] for pool in pair)
        if ours != theirs:
            expected = f"{pair[0]} = {pair[1]} in {currency}"
            self._report.at(event.row, "ledger.mirror", expected, f"{ours} and {theirs}")
