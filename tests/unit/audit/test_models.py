"""Read models and figures that do not say what the log says are found out."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from tests.unit.audit.figures import good_history
from tests.unit.audit.forgery import Forgery, Register, assert_flagged, flagged
from tests.unit.audit.scribe import ident

if TYPE_CHECKING:
    from tests.unit.audit.scribe import History

register = Register()
bad = register.bad


@bad("models.account_balances", alone=True)
def a_balance_edited(h: History) -> None:
    h.model("account_balances", account="R.CUST.B-1.AVAILABLE")["balance_minor"] += 1


@bad("models.account_balances", alone=True)
def a_balance_missing(h: History) -> None:
    h.tables.models["account_balances"].pop(0)


@bad("models.account_balances", alone=True)
def a_balance_of_nobody(h: History) -> None:
    row = {"account": "R.CUST.X.AVAILABLE", "currency": "CNY", "balance_minor": 5}
    h.tables.models["account_balances"].append(row)


@bad("models.account_balances", alone=True)
def a_balance_in_another_currency(h: History) -> None:
    h.model("account_balances", account="R.MAVL.M.2")["currency"] = "CNY"


@bad("models.trades", alone=True)
def a_trade_in_another_state(h: History) -> None:
    h.model("trades", trade_id="T-3")["state"] = "TRADE_SUCCESS"


@bad("models.trades", alone=True)
def a_trade_with_another_amount(h: History) -> None:
    h.model("trades", trade_id="T-2")["refunded_minor"] = 0


@bad("models.trades", alone=True)
def a_trade_of_another_seller(h: History) -> None:
    h.model("trades", trade_id="T-2")["seller"] = "M.2"


@bad("models.trades", alone=True)
def a_trade_missing(h: History) -> None:
    h.tables.models["trades"].remove(h.model("trades", trade_id="T-4"))


@bad("models.trades", alone=True)
def a_trade_too_many(h: History) -> None:
    h.tables.models["trades"].append({**h.tables.models["trades"][0], "trade_id": "T-9"})


@bad("models.trades", alone=True)
def a_column_missing(h: History) -> None:
    for row in h.tables.models["trades"]:
        del row["held_minor"]


@bad("models.payments", alone=True)
def a_payment_missing(h: History) -> None:
    h.tables.models["payments"].pop()


@bad("models.payments", alone=True)
def a_payment_of_another_payer(h: History) -> None:
    h.tables.models["payments"][0]["payer"] = "B.2"


@bad("models.payments", alone=True)
def a_payment_too_many(h: History) -> None:
    h.tables.models["payments"].append({"payment_id": "P-X"})


@bad("models.merchant_statement", alone=True)
def a_statement_with_another_fee(h: History) -> None:
    h.model("merchant_statement", merchant="M-1")["fee_minor"] += 1


@bad("models.merchant_statement", alone=True)
def a_statement_that_counts_wrong(h: History) -> None:
    h.model("merchant_statement", merchant="M-1")["count"] = 1


@bad("models.merchant_statement", alone=True)
def a_statement_missing(h: History) -> None:
    h.tables.models["merchant_statement"].pop()


@bad("models.settlement_windows", alone=True)
def a_window_missing(h: History) -> None:
    h.tables.models["settlement_windows"].pop()


@bad("models.settlement_windows", alone=True)
def a_window_with_another_net(h: History) -> None:
    h.model("settlement_windows", merchant="M-1")["net_minor"] -= 1


@bad("models.settlement_windows", alone=True)
def a_window_too_many(h: History) -> None:
    row = {**h.model("settlement_windows", merchant="M-1"), "window_id": "W-X"}
    h.tables.models["settlement_windows"].append(row)


@bad("models.command_outcomes", alone=True)
def an_outcome_missing(h: History) -> None:
    h.tables.models["command_outcomes"].pop()


@bad("models.command_outcomes", alone=True)
def an_outcome_at_another_place(h: History) -> None:
    h.tables.models["command_outcomes"][3]["last_position"] += 1


@bad("models.command_outcomes", alone=True)
def an_outcome_with_a_code_it_has_not(h: History) -> None:
    h.tables.models["command_outcomes"][3]["code"] = "account_exists"


@bad("models.command_outcomes", alone=True)
def a_refusal_without_its_code(h: History) -> None:
    h.model("command_outcomes", outcome="refused")["code"] = None


@bad("models.command_outcomes", alone=True)
def a_refusal_called_done(h: History) -> None:
    h.model("command_outcomes", outcome="refused")["outcome"] = "done"


@bad("models.command_outcomes", alone=True)
def an_outcome_of_no_command(h: History) -> None:
    row = {**h.tables.models["command_outcomes"][0], "command_id": ident("nobody")}
    h.tables.models["command_outcomes"].append(row)


@bad("expected.command_ids", alone=True)
def another_number_of_ids(h: History) -> None:
    h.expected["command_ids"] += 1


@bad("expected.command_ids", alone=True)
def a_line_never_answered(h: History) -> None:
    line = copy.copy(h.lines[3])
    line.message_id = ident("never sent")
    h.lines.append(line)
    h.expected["command_ids"] += 1


@bad("expected.bodies", alone=True)
def a_body_that_was_never_sent(h: History) -> None:
    h.lines[5].body = h.lines[5].body.replace("accounts", "account")


@bad("expected.bodies", alone=True)
def a_reuse_that_was_not_refused(h: History) -> None:
    line = copy.copy(h.lines[5])
    line.body = line.body.replace("accounts", "account")
    h.lines.append(line)


@register.cases()
def test_a_forged_read_model_is_flagged(forgery: Forgery) -> None:
    """Each forgery trips the check that is there for it."""
    assert_flagged(forgery)


def test_every_expected_figure_is_compared() -> None:
    """Each field of the figures, changed alone, is flagged under its own name."""
    for name in good_history().expected:
        history = good_history()
        history.expected[name] = _other(history.expected[name])
        assert flagged(history) == {f"expected.{name}"}


def test_a_zero_balance_may_be_absent() -> None:
    """A row of zero says nothing, so it may be there or not."""
    history = good_history()
    rows = history.tables.models["account_balances"]
    rows.remove(history.model("account_balances", account="R.CHRECV.card"))
    rows.append({"account": "R.ESCROW.T-1", "currency": "CNY", "balance_minor": 0})

    assert flagged(history) == set()


def _other(value: object) -> object:
    """Change the last entry of a figure."""
    match value:
        case int():
            return value + 1
        case str():
            return f"{value}?"
        case list():
            return [*value[:-1], _other(value[-1])]
        case dict():
            last = list(value)[-1]
            return {**value, last: _other(value[last])}
        case _:
            raise TypeError(value)
