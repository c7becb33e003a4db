"""Commands answered twice, not at all or by the wrong events are found out."""

from __future__ import annotations

import copy
from hashlib import sha256
from typing import TYPE_CHECKING

from tests.unit.audit.forgery import Forgery, Register, assert_flagged, edit
from tests.unit.audit.scribe import ident

if TYPE_CHECKING:
    from tests.audit.rows import InboxRow
    from tests.unit.audit.scribe import History

register = Register()
bad = register.bad


def rewrite(row: InboxRow, body: str) -> None:
    """Change a body and its hash together."""
    row.body = body
    row.body_sha256 = sha256(body.encode()).digest()


@bad("cause.known", sealed=True)
def an_event_without_cause(h: History) -> None:
    h.row("escrow.trade_shipped").causation_id = None


@bad("cause.known", sealed=True)
def an_event_caused_by_nothing_known(h: History) -> None:
    h.row("escrow.trade_shipped").causation_id = ident("nobody")


@bad("cause.known", sealed=True)
def an_event_caused_by_a_later_one(h: History) -> None:
    h.row("escrow.trade_shipped").causation_id = h.rows[-1].event_id


@bad("cause.known", sealed=True)
def a_command_lost_from_the_inbox(h: History) -> None:
    h.tables.inbox_rows.remove(h.command("escrow.ship_trade"))


@bad("cause.flow", sealed=True)
def a_reaction_with_a_key_of_its_own(h: History) -> None:
    h.row("authorization.payment_captured").partition_key = "B-1"


@bad("cause.flow", sealed=True)
def a_reaction_in_another_conversation(h: History) -> None:
    h.row("authorization.payment_captured").correlation_id = ident("another")


@bad("cause.once", numbered=True)
def a_reaction_twice(h: History) -> None:
    row = h.row("channel.order_ended")
    other = copy.copy(row)
    other.event_id = ident("other")
    h.rows.insert(h.rows.index(row) + 1, other)


@bad("answers.block", numbered=True)
def a_command_answered_in_two_places(h: History) -> None:
    row = copy.copy(h.row("escrow.trade_shipped"))
    row.type, row.event_id = "escrow.trade_noted.v1", ident("other")
    h.rows.append(row)


@bad("answers.block", numbered=True)
def a_command_done_and_refused(h: History) -> None:
    row = copy.copy(h.row("accounts.account_opened"))
    row.stream, row.event_id = f"order/{row.causation_id}", ident("other")
    row.type, row.causation_id = (
        "accounts.note.v1",
        h.command("accounts.open_account", 6).message_id,
    )
    h.rows.insert(h.rows.index(h.row("accounts.command_rejected")), row)


@bad("answers.block", sealed=True)
def an_effect_laid_to_another_command(h: History) -> None:
    h.row("escrow.trade_frozen").causation_id = h.command("escrow.ship_trade").message_id


@bad("answers.refusal", sealed=True)
def a_refusal_of_another_command(h: History) -> None:
    edit(h.row("accounts.command_rejected"), command_id=ident("another"))


@bad("answers.refusal", sealed=True)
def a_reuse_refused_before_any_answer(h: History) -> None:
    h.row("accounts.account_opened").causation_id = h.command("accounts.top_up").message_id


@bad("answers.missing")
def a_command_without_an_answer(h: History) -> None:
    row = copy.copy(h.tables.inbox_rows[4])
    row.message_id = ident("unanswered")
    h.tables.inbox_rows.append(row)


@bad("answers.place")
def an_answer_said_to_begin_elsewhere(h: History) -> None:
    h.command("settlement.close_window").first_position = 1


@bad("answers.place")
def an_answer_cut_short(h: History) -> None:
    row = h.command("settlement.close_window")
    row.last_position = row.first_position


@bad("answers.place")
def an_answer_without_a_place(h: History) -> None:
    row = h.command("settlement.close_window")
    row.first_position = row.last_position = None


@bad("answers.flow", sealed=True)
def an_answer_under_another_key(h: History) -> None:
    h.row("escrow.trade_shipped").partition_key = "T-2"


@bad("answers.flow", sealed=True)
def an_answer_half_under_another_key(h: History) -> None:
    h.row("settlement.payout_requested").partition_key = "M.2"


@bad("answers.flow", alone=True)
def an_answer_of_another_service(h: History) -> None:
    h.command("escrow.ship_trade").service = "settlement"


@bad("answers.once")
def an_inbox_row_twice(h: History) -> None:
    h.tables.inbox_rows.append(h.tables.inbox_rows[7])


@bad("answers.body_hash", alone=True)
def a_body_hash_edited(h: History) -> None:
    h.tables.inbox_rows[7].body_sha256 = bytes(32)


@bad("answers.body_hash")
def a_body_edited(h: History) -> None:
    row = h.command("accounts.top_up")
    row.body = row.body.replace("100000", "900000")


@bad("answers.body")
def a_body_with_spaces(h: History) -> None:
    row = h.command("accounts.top_up")
    rewrite(row, row.body.replace(":", ": "))


@bad("answers.body")
def a_body_with_its_names_in_another_order(h: History) -> None:
    row = h.command("accounts.top_up")
    rewrite(row, row.body.replace('{"actor":null,', "{").removesuffix("}") + ',"actor":null}')


@bad("answers.body")
def a_body_with_a_name_twice(h: History) -> None:
    row = h.command("accounts.top_up")
    rewrite(row, row.body.replace('{"actor":null,', '{"actor":null,"actor":null,'))


@bad("answers.body")
def a_body_with_escaped_letters(h: History) -> None:
    row = h.command("escrow.create_trade")
    rewrite(row, row.body.replace("ü", "\\u00fc"))


@bad("answers.body")
def a_body_without_an_actor(h: History) -> None:
    row = h.command("accounts.top_up")
    rewrite(row, row.body.replace('"actor":null,', ""))


@bad("answers.body")
def a_body_that_is_no_json(h: History) -> None:
    rewrite(h.command("accounts.top_up"), "{")


@bad("answers.body", alone=True)
def a_column_that_the_body_does_not_say(h: History) -> None:
    h.command("accounts.top_up").actor = "buyer:B-1"


@register.cases()
def test_a_wrong_answer_is_flagged(forgery: Forgery) -> None:
    """Each forgery trips the check that is there for it."""
    assert_flagged(forgery)
