"""The catalogue has every message of the contract, with the fields that it names."""

import msgspec
import pytest

from danbao.contracts.catalogue import COMMANDS, EVENT_TYPES, EVENTS, SERVICES, TIMERS, service_of
from danbao.contracts.message import wire_type

# The table "Commands and events of the core" of the contract; `?` marks what may be missing.
TABLE_OF_COMMANDS = """
accounts.open_account.v1: account_id kind tier? currency payout_bank? owner?
accounts.top_up.v1: top_up_id account_id amount bank_card
accounts.freeze_account.v1: account_id reason
accounts.unfreeze_account.v1: account_id reason
accounts.set_payout_bank.v1: account_id payout_bank
escrow.create_trade.v1: trade_id buyer seller amount title pay_within_s? ship_within_s? \
auto_confirm_s?
authorization.authorize_payment.v1: payment_id trade_id payer amount method device_id? ip?
escrow.ship_trade.v1: trade_id carrier tracking_no
escrow.extend_receipt.v1: trade_id days
escrow.confirm_receipt.v1: trade_id
escrow.cancel_trade.v1: trade_id reason
escrow.apply_refund.v1: refund_id trade_id amount kind reason
escrow.agree_refund.v1: refund_id trade_id
escrow.refuse_refund.v1: refund_id trade_id
escrow.cancel_refund.v1: refund_id trade_id
escrow.freeze_trade.v1: trade_id reason
escrow.unfreeze_trade.v1: trade_id reason
settlement.close_window.v1: merchant currency
settlement.request_payout.v1: merchant amount?
risk.add_to_list.v1: list kind value reason
risk.remove_from_list.v1: list kind value reason
"""

TABLE_OF_EVENTS = """
accounts.account_opened.v1: account_id kind tier currency payout_bank owner
accounts.top_up_requested.v1: top_up_id account_id amount bank_card
accounts.top_up_settled.v1: top_up_id account_id amount
accounts.top_up_failed.v1: top_up_id account_id amount reason
accounts.account_frozen.v1: account_id reason
accounts.account_unfrozen.v1: account_id reason
accounts.payout_bank_set.v1: account_id payout_bank
escrow.trade_created.v1: trade_id buyer seller amount title pay_within_s ship_within_s \
auto_confirm_s pay_by policy_version
authorization.payment_requested.v1: payment_id trade_id payer amount method device_id ip
risk.payment_assessed.v1: payment_id payer decision score reasons rules_version features
authorization.payment_captured.v1: payment_id trade_id payer amount
authorization.payment_declined.v1: payment_id trade_id payer amount code
escrow.trade_funded.v1: trade_id payment_id payer amount
escrow.payment_returned.v1: payment_id trade_id payer amount reason
escrow.trade_shipped.v1: trade_id carrier tracking_no auto_confirm_at
escrow.receipt_extended.v1: trade_id days auto_confirm_at
escrow.trade_released.v1: trade_id seller amount cause
escrow.trade_closed.v1: trade_id reason refunded_total
escrow.refund_applied.v1: refund_id trade_id amount kind reason agree_by
escrow.trade_refunded.v1: refund_id trade_id buyer amount refunded_total
escrow.refund_refused.v1: refund_id trade_id
escrow.refund_cancelled.v1: refund_id trade_id
escrow.trade_frozen.v1: trade_id reason
escrow.trade_unfrozen.v1: trade_id reason
settlement.credit_recorded.v1: trade_id merchant gross fee net fee_bps policy_version window_id
settlement.window_closed.v1: window_id merchant gross fee net count first_version last_version
settlement.payout_requested.v1: payout_id window_id merchant amount payout_bank
settlement.payout_paid.v1: payout_id merchant amount
settlement.payout_failed.v1: payout_id merchant amount reason
channel.funds_received.v1: order_id amount
risk.list_entry_added.v1: list kind value reason
risk.list_entry_removed.v1: list kind value reason
"""

KEYS = {
    "accounts": {"account_id"},
    "authorization": {"trade_id"},
    "channel": set(),
    "escrow": {"trade_id"},
    "risk": {"value"},
    "settlement": {"merchant"},
}


def rows(table: str) -> list[tuple[str, list[str]]]:
    """The table as (wire type, fields)."""
    lines = [line.partition(":") for line in table.strip().splitlines()]
    return [(name, fields.split()) for name, _, fields in lines]


@pytest.mark.parametrize(("name", "fields"), rows(TABLE_OF_COMMANDS))
def test_every_command_of_the_contract_exists_with_its_fields(name: str, fields: list[str]) -> None:
    """A producer written from the contract alone is understood."""
    command = COMMANDS[name]

    described = msgspec.json.schema(command)["$defs"][command.__name__]
    assert set(described["properties"]) == {field.removesuffix("?") for field in fields}
    assert set(described["required"]) == {field for field in fields if not field.endswith("?")}


@pytest.mark.parametrize(("name", "fields"), rows(TABLE_OF_EVENTS))
def test_every_event_of_the_contract_exists_with_its_fields(name: str, fields: list[str]) -> None:
    """A consumer written from the contract alone finds what it looks for; more may be there."""
    assert set(EVENTS[name].__struct_fields__) >= set(fields)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_publishes_policies_and_refuses_commands(service: str) -> None:
    """These three exist once for each service."""
    publish = COMMANDS[f"{service}.publish_policy.v1"]
    published = EVENTS[f"{service}.policy_published.v1"]
    rejected = EVENTS[f"{service}.command_rejected.v1"]

    assert publish.KEY == "policy"
    assert set(publish.__struct_fields__) == {"policy", "effective_from", "body"}
    assert set(published.__struct_fields__) == {"policy", "version", "effective_from", "body"}
    assert set(rejected.__struct_fields__) == {"command_id", "command_type", "code", "facts"}


def test_there_are_no_commands_but_those_of_the_contract_and_timers() -> None:
    """What the contract does not know cannot be sent."""
    known = {name for name, _ in rows(TABLE_OF_COMMANDS)}
    known |= {f"{service}.publish_policy.v1" for service in SERVICES}

    assert set(COMMANDS) - TIMERS == known


def test_the_keys_are_those_of_the_contract() -> None:
    """Commands about one thing keep their order, because they have one key."""
    for name, _ in rows(TABLE_OF_COMMANDS):
        assert {COMMANDS[name].KEY} == KEYS[service_of(name)], name


def test_timers_are_known_apart_because_only_the_scheduler_sends_them() -> None:
    """A producer that sends one is refused by the kernel."""
    assert {
        "channel.complete_order.v1",
        "escrow.auto_agree_refund.v1",
        "escrow.auto_confirm_receipt.v1",
        "escrow.time_out_payment.v1",
        "settlement.cut_off_window.v1",
    } == TIMERS


def test_the_names_of_the_catalogue_are_the_wire_types() -> None:
    """One name each, in both directions."""
    for name, message in {**COMMANDS, **EVENTS}.items():
        assert wire_type(message) == name
        assert service_of(name) in SERVICES
    assert {wire_type(event): event for event in EVENT_TYPES} == EVENTS


def test_the_services_are_those_of_the_contract() -> None:
    """Their names are topics: `danbao.<service>.commands` and `.events`."""
    assert set(SERVICES) == {
        "accounts",
        "authorization",
        "escrow",
        "settlement",
        "risk",
        "channel",
    }
