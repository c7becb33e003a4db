"""A log that was changed, cut, doubled or put in another order is found out."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.unit.audit.forgery import Forgery, Register, assert_flagged, edit

if TYPE_CHECKING:
    from tests.unit.audit.scribe import History

register = Register()
bad = register.bad


@bad("log.position")
def a_row_dropped(h: History) -> None:
    h.rows.remove(h.row("escrow.trade_shipped"))


@bad("log.position")
def two_rows_swapped(h: History) -> None:
    h.rows[40], h.rows[41] = h.rows[41], h.rows[40]


@bad("log.position")
def a_row_twice(h: History) -> None:
    h.rows.insert(50, h.rows[50])


@bad("log.position")
def positions_of_two_rows_exchanged(h: History) -> None:
    one, other = h.rows[30], h.rows[60]
    one.position, other.position = other.position, one.position


@bad("log.position")
def the_first_row_cut_off(h: History) -> None:
    del h.rows[0]


@bad("log.head")
def the_last_row_cut_off(h: History) -> None:
    del h.rows[-1]


@bad("log.head")
def the_last_ten_rows_cut_off(h: History) -> None:
    del h.rows[-10:]


@bad("log.head")
def a_head_that_ran_ahead(h: History) -> None:
    h.tables.log_heads[0].position += 1


@bad("log.head", alone=True)
def a_head_set_back(h: History) -> None:
    h.tables.log_heads[0].position -= 1


@bad("log.head")
def a_head_of_an_empty_shard(h: History) -> None:
    head = h.tables.log_heads[0]
    h.tables.log_heads.append(type(head)(1, 5))


@bad("log.head")
def no_head_at_all(h: History) -> None:
    h.tables.log_heads.clear()


@bad("log.head", alone=True)
def a_head_older_than_its_row(h: History) -> None:
    head = h.tables.log_heads[0]
    head.recorded_at = h.rows[-1].recorded_at - timedelta(seconds=1)


@bad("log.version")
def a_version_skipped(h: History) -> None:
    h.row("escrow.trade_shipped").version += 1


@bad("log.version", sealed=True)
def a_version_twice(h: History) -> None:
    h.row("escrow.trade_released").version -= 1


@bad("log.version", sealed=True)
def a_stream_that_starts_at_two(h: History) -> None:
    h.row("accounts.account_opened", 4).version = 2


@bad("log.time")
def a_time_that_falls(h: History) -> None:
    h.rows[70].recorded_at -= timedelta(seconds=1)


@bad("log.time", alone=True, sealed=True)
def a_time_that_falls_by_a_microsecond_well_hashed(h: History) -> None:
    h.rows[70].recorded_at = h.rows[69].recorded_at - timedelta(microseconds=1)
    h.rows[71].recorded_at = h.rows[69].recorded_at


@bad("log.leaf_hash")
def a_time_later_by_a_microsecond(h: History) -> None:
    h.rows[-1].recorded_at += timedelta(microseconds=1)


@bad("log.event_id", sealed=True)
def an_event_id_twice(h: History) -> None:
    h.rows[80].event_id = h.rows[20].event_id


@bad("log.rejection", sealed=True)
def a_refusal_on_the_stream_of_its_account(h: History) -> None:
    h.row("accounts.command_rejected").stream = "account/B-1"


@bad("log.rejection", sealed=True)
def a_refusal_on_a_stream_without_uuid(h: History) -> None:
    h.row("accounts.command_rejected").stream = "rejection/B-1"


@bad("log.rejection", sealed=True)
def a_second_refusal_on_one_stream(h: History) -> None:
    one, other = h.row("accounts.command_rejected"), h.row("accounts.command_rejected", 1)
    other.stream, other.version = one.stream, 2


@bad("log.rejection", sealed=True)
def another_event_on_a_stream_of_refusals(h: History) -> None:
    h.row("risk.payment_assessed").stream = h.row("accounts.command_rejected", 1).stream


@bad("log.row_hash")
def one_character_of_the_data(h: History) -> None:
    row = h.row("escrow.trade_created")
    row.data = row.data.replace("fein", "fain")


@bad("log.row_hash")
def a_space_in_the_data(h: History) -> None:
    h.rows[10].data += " "


@bad("log.row_hash")
def the_order_of_postings(h: History) -> None:
    row = h.row("settlement.window_closed")
    row.postings = (row.postings or "").replace("[{", "[ {")


@bad("log.row_hash")
def postings_gone(h: History) -> None:
    h.row("authorization.payment_captured").postings = None


@bad("log.row_hash", alone=True)
def a_row_hash_edited(h: History) -> None:
    h.rows[33].row_hash = bytes(32)


@bad("log.leaf_hash", alone=True)
def a_leaf_hash_edited(h: History) -> None:
    h.rows[33].leaf_hash = bytes(32)


@bad("log.row_hash")
def an_actor_slipped_in(h: History) -> None:
    h.row("escrow.trade_closed").actor = "buyer:B-1"


@bad("log.row_hash")
def another_schema_version(h: History) -> None:
    h.rows[5].schema_version = 2


@bad("log.checkpoint", alone=True)
def a_root_edited(h: History) -> None:
    h.tables.log_checkpoints[0].root = bytes(32)


@bad("log.checkpoint", alone=True)
def a_checkpoint_beyond_the_log(h: History) -> None:
    h.tables.log_checkpoints[0].size += 1


@bad("log.checkpoint")
def history_rewritten_under_a_kept_checkpoint(h: History) -> None:
    kept = h.tables.log_checkpoints
    edit(h.row("escrow.trade_shipped"), tracking_no="9")
    h.seal()
    h.tables.log_checkpoints = kept


@bad("log.type", sealed=True)
def an_event_type_without_version(h: History) -> None:
    h.row("escrow.trade_shipped").type = "escrow.trade_shipped"


@bad("log.type", sealed=True)
def an_event_of_a_foreign_service(h: History) -> None:
    h.row("escrow.trade_shipped").type = "shipping.trade_shipped.v1"


@bad("log.stream", sealed=True)
def an_event_on_a_stream_of_another_owner(h: History) -> None:
    h.row("risk.payment_assessed").stream = "account/B-1"


@bad("log.stream", sealed=True)
def an_event_on_another_stream_of_its_owner(h: History) -> None:
    h.row("escrow.payment_returned").stream = "trade/T-9"


@bad("log.stream", sealed=True)
def a_stream_without_id(h: History) -> None:
    h.row("escrow.trade_shipped").stream = "trade/"


@bad("log.stream", sealed=True)
def a_stream_that_nobody_owns(h: History) -> None:
    h.row("escrow.trade_shipped").stream = "parcel/T-1"


@bad("log.data", sealed=True)
def data_that_is_no_json(h: History) -> None:
    h.row("escrow.trade_shipped").data = "{"


@bad("log.data", sealed=True)
def data_that_is_no_object(h: History) -> None:
    h.row("escrow.trade_shipped").data = "[1]"


@bad("log.fields", sealed=True)
def an_amount_in_floating_point(h: History) -> None:
    edit(h.row("escrow.trade_funded"), amount={"minor": 12345.0, "currency": "CNY"})


@bad("log.fields", sealed=True)
def an_amount_of_nothing(h: History) -> None:
    edit(h.row("escrow.trade_refunded"), amount={"minor": 0, "currency": "CNY"})


@bad("log.fields", sealed=True)
def a_truth_value_for_an_amount(h: History) -> None:
    edit(h.row("escrow.trade_funded"), amount={"minor": True, "currency": "CNY"})


@bad("log.fields", sealed=True)
def a_field_missing(h: History) -> None:
    edit(h.row("authorization.payment_declined"), code=None)


@bad("log.fields", sealed=True)
def data_of_another_stream(h: History) -> None:
    edit(h.row("escrow.trade_released"), trade_id="T-2")


@bad("log.event_id", numbered=True)
def a_row_inserted_and_all_numbered_anew(h: History) -> None:
    h.rows.insert(60, copy(h.rows[60]))


@register.cases()
def test_forged_log_is_flagged(forgery: Forgery) -> None:
    """Each forgery trips the check that is there for it."""
    assert_flagged(forgery)
