"""The read models say what the log adds up to (contract.md, "Tables that others may read").

Checks: `models.<table>` for `account_balances`, `trades`, `payments`, `merchant_statement`,
`settlement_windows` and `command_outcomes`. Only columns that the contract names are compared;
of `payments` and `settlement_windows` it names no columns but the id, so others are compared
where a column of the event's own field name exists.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .answers import Block
    from .report import Report
    from .rows import InboxRow, ReadRow
    from .world import Window, World

Key = tuple[Any, ...]
Columns = dict[str, Any]

MONEY_COLUMNS: Final = ("gross_minor", "fee_minor", "net_minor", "count")
NAMED_COLUMNS: Final = {
    "trades": (
        *("state", "buyer", "seller", "currency"),
        *("paid_minor", "held_minor", "released_minor", "refunded_minor"),
    ),
    "account_balances": ("balance_minor",),
    "merchant_statement": MONEY_COLUMNS,
}
"""Columns that the contract names, so that they must be there."""


class Models:
    """What each read model should hold, by the key of its rows."""

    def __init__(self, report: Report, world: World) -> None:
        """Keep the finished fold."""
        self._report = report
        self._world = world

    def wanted(self, name: str) -> dict[Key, Columns]:
        """Return the rows of a model that is folded from events."""
        match name:
            case "account_balances":
                return {key: {"balance_minor": n} for key, n in self._world.balances.items()}
            case "trades":
                return {(trade_id,): self._trade(trade_id) for trade_id in self._world.trades}
            case "payments":
                return {(i,): self._payment(i) for i in self._world.payments}
            case "settlement_windows":
                return {
                    (i,): self._window(i) for i, w in self._world.windows.items() if w.is_closed
                }
            case _:
                return {}

    def compare(self, name: str, rows: Mapping[Key, ReadRow]) -> None:
        """Compare a model row by row; rows of zero may be absent on either side."""
        wanted = self.wanted(name)
        if name == "merchant_statement":
            wanted = self._statement(rows)
        check = f"models.{name}"
        for column in NAMED_COLUMNS.get(name, ()):
            if any(column not in row for row in rows.values()):
                self._report.add(check, f"a column {column}", "none")
        for key, columns in wanted.items():
            if key in rows:
                self._row(check, key, columns, rows[key])
            elif not _is_zero(columns):
                self._told(check, key, columns, "no row")
        for key, row in rows.items():
            if key not in wanted and not _is_zero(row) and not self._is_open(name, key):
                self._told(check, key, "no such row", row)

    def _row(self, check: str, key: Key, columns: Columns, row: ReadRow) -> None:
        for column, value in columns.items():
            if column in row and row[column] != value:
                self._told(check, key, f"{column} = {value}", row[column])

    def _told(self, check: str, key: Key, expected: object, found: object) -> None:
        place = "/".join(map(str, key))
        self._report.add(check, expected, found, stream=place)

    def _trade(self, trade_id: str) -> Columns:
        trade = self._world.trades[trade_id]
        return {
            "state": trade.state,
            "buyer": trade.buyer,
            "seller": trade.seller,
            "currency": trade.currency,
            "paid_minor": trade.paid,
            "held_minor": trade.held,
            "released_minor": trade.released,
            "refunded_minor": trade.refunded,
        }

    def _payment(self, payment_id: str) -> Columns:
        payment = self._world.payments[payment_id]
        columns: Columns = {
            "trade_id": payment.trade_id,
            "payer": payment.payer,
            "amount_minor": payment.minor,
            "currency": payment.currency,
        }
        return {name: value for name, value in columns.items() if value}

    def _window(self, window_id: str) -> Columns:
        window = self._world.windows[window_id]
        return {"merchant": window.merchant, "currency": window.currency, **_figures(window)}

    def _is_open(self, name: str, key: Key) -> bool:
        """Say whether a row is about a window that is still open: it may be listed or not."""
        window = self._world.windows.get(key[0]) if name == "settlement_windows" else None
        return window is not None and not window.is_closed

    def _statement(self, rows: Mapping[Key, ReadRow]) -> dict[Key, Columns]:
        """Sum all credits, or those of closed windows: the contract leaves open which.

        Either will do, but one of them for all rows.
        """
        sums = [self._sums(closed_only=closed_only) for closed_only in (False, True)]
        agreeing = [
            sum(
                all(rows.get(key, {}).get(name) == value for name, value in columns.items())
                for key, columns in one.items()
            )
            for one in sums
        ]
        return sums[1] if agreeing[1] > agreeing[0] else sums[0]

    def _sums(self, *, closed_only: bool) -> dict[Key, Columns]:
        sums: defaultdict[Key, Columns] = defaultdict(lambda: dict.fromkeys(MONEY_COLUMNS, 0))
        for window in self._world.windows.values():
            if window.is_closed or not closed_only:
                columns = sums[(window.merchant, window.currency)]
                for name, value in _figures(window).items():
                    columns[name] += value
        return dict(sums)


class Outcome(NamedTuple):
    """One row of `command_outcomes`, but for its id."""

    outcome: str | None
    code: str | None
    first_position: int | None
    last_position: int | None


class Outcomes:
    """`command_outcomes`: one row for each id of the inbox, with the place of its answer."""

    def __init__(self, report: Report, blocks: Mapping[str, Block]) -> None:
        """Keep the blocks of the log."""
        self._report = report
        self._blocks = blocks
        self._outcomes: dict[bool, set[str]] = {False: set(), True: set()}
        self._rows: dict[str, list[Outcome]] = {}

    def take(self, row: ReadRow) -> None:
        """Keep one row until the inbox is read."""
        outcome = Outcome(*(row.get(name) for name in Outcome._fields))
        self._rows.setdefault(str(row["command_id"]), []).append(outcome)

    def inbox(self, row: InboxRow) -> None:
        """Find the outcome of one command; a refusal's code must be there, and only then."""
        block = self._blocks.get(row.message_id)
        code = block.code if block else None
        wanted = (code, row.first_position, row.last_position)
        outcomes = [o for o in self._rows.get(row.message_id, []) if o[2] == row.first_position]
        if [outcome[1:] for outcome in outcomes] != [wanted]:
            place = f"inbox/{row.message_id}"
            self._report.add("models.command_outcomes", f"one row {wanted}", outcomes, stream=place)
        elif block is not None:
            self._outcomes[code is not None].add(str(outcomes[0].outcome))

    def finish(self) -> None:
        """Report outcomes of no command, and a word that says both done and refused."""
        for command_id in self._rows.keys() - self._blocks.keys():
            place = f"inbox/{command_id}"
            self._report.add("models.command_outcomes", "a command", "none", stream=place)
        both = self._outcomes[False] & self._outcomes[True]
        if both:
            expected = "different outcomes for done and refused"
            self._report.add("models.command_outcomes", expected, sorted(both))


def _figures(window: Window) -> Columns:
    """Return the sums of a window under their column names."""
    return dict(
        zip(MONEY_COLUMNS, (window.gross, window.fee, window.net, window.count), strict=True)
    )


def _is_zero(columns: Mapping[str, Any]) -> bool:
    """Say whether a row holds amounts and all of them are 0, so that it may be absent."""
    amounts = [value for name, value in columns.items() if name.endswith("_minor")]
    return bool(amounts) and "state" not in columns and not any(amounts)
