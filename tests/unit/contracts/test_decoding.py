"""Strict decoding: a command is what the contract says, or it is refused with the field's name."""

import json
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from danbao.contracts.catalogue import COMMANDS, TIMERS
from danbao.contracts.message import Command
from danbao.contracts.money import MINOR_MAX

AMOUNT = {"minor": 12_345, "currency": "CNY"}
SAMPLES: Mapping[str, Mapping[str, object]] = {
    "accounts.open_account.v1": {"account_id": "A-1", "kind": "merchant", "currency": "CNY"},
    "accounts.top_up.v1": {
        "top_up_id": "U-1",
        "account_id": "A-1",
        "amount": AMOUNT,
        "bank_card": "card_ok_1",
    },
    "accounts.freeze_account.v1": {"account_id": "A-1", "reason": "r"},
    "accounts.unfreeze_account.v1": {"account_id": "A-1", "reason": "r"},
    "accounts.set_payout_bank.v1": {"account_id": "A-1", "payout_bank": "bank_ok_1"},
    "escrow.create_trade.v1": {
        "trade_id": "T-1",
        "buyer": "B-1",
        "seller": "S-1",
        "amount": AMOUNT,
        "title": "Tea",
        "pay_within_s": 60,
        "ship_within_s": 60,
        "auto_confirm_s": 60,
    },
    "authorization.authorize_payment.v1": {
        "payment_id": "P-1",
        "trade_id": "T-1",
        "payer": "B-1",
        "amount": AMOUNT,
        "method": "balance",
        "device_id": "D-1",
        "ip": "10.0.0.7",
    },
    "escrow.ship_trade.v1": {"trade_id": "T-1", "carrier": "SF", "tracking_no": "1"},
    "escrow.extend_receipt.v1": {"trade_id": "T-1", "days": 3},
    "escrow.confirm_receipt.v1": {"trade_id": "T-1"},
    "escrow.cancel_trade.v1": {"trade_id": "T-1", "reason": "r"},
    "escrow.apply_refund.v1": {
        "refund_id": "R-1",
        "trade_id": "T-1",
        "amount": AMOUNT,
        "kind": "money_only",
        "reason": "r",
    },
    "escrow.agree_refund.v1": {"refund_id": "R-1", "trade_id": "T-1"},
    "escrow.refuse_refund.v1": {"refund_id": "R-1", "trade_id": "T-1"},
    "escrow.cancel_refund.v1": {"refund_id": "R-1", "trade_id": "T-1"},
    "escrow.freeze_trade.v1": {"trade_id": "T-1", "reason": "r"},
    "escrow.unfreeze_trade.v1": {"trade_id": "T-1", "reason": "r"},
    "settlement.close_window.v1": {"merchant": "S-1", "currency": "CNY"},
    "settlement.request_payout.v1": {"merchant": "S-1", "amount": AMOUNT},
    "risk.add_to_list.v1": {"list": "block", "kind": "ip", "value": "::1", "reason": "r"},
    "risk.remove_from_list.v1": {"list": "block", "kind": "ip", "value": "::1", "reason": "r"},
    **{
        f"{service}.publish_policy.v1": {"policy": "x", "body": {}}
        for service in ("accounts", "authorization", "channel", "escrow", "risk", "settlement")
    },
}
IDS = {
    *("account_id", "top_up_id", "trade_id", "refund_id", "payment_id", "bank_card"),
    *("payout_bank", "buyer", "seller", "payer", "device_id", "ip", "merchant", "value", "policy"),
}
TEXTS = ("reason", "title", "carrier", "tracking_no")
SECONDS = ("pay_within_s", "ship_within_s", "auto_confirm_s")


def decode(name: str, body: object) -> Command:
    return msgspec.json.decode(json.dumps(body), type=COMMANDS[name])


def commands_with(*fields: str) -> list[tuple[str, str]]:
    """Every command and field of the samples that is one of these."""
    return [(name, field) for name, body in SAMPLES.items() for field in body if field in fields]


def test_there_is_a_sample_of_every_command() -> None:
    """A command that is added is decoded as strictly as the others."""
    assert set(SAMPLES) == set(COMMANDS) - TIMERS


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_understood_and_stays_as_it_is(name: str) -> None:
    """What goes into the log is what was sent."""
    command = decode(name, SAMPLES[name])

    again = msgspec.json.decode(msgspec.json.encode(command), type=type(command))
    assert again == command


@pytest.mark.parametrize("name", SAMPLES)
def test_an_unknown_field_is_refused_by_name(name: str) -> None:
    """A misspelt optional field is not silently left out."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        decode(name, {**SAMPLES[name], "colour": "red"})


def test_an_unknown_field_inside_money_is_refused_too() -> None:
    """Strictness goes all the way down."""
    body = {**SAMPLES["accounts.top_up.v1"], "amount": {**AMOUNT, "scale": 2}}

    with pytest.raises(msgspec.ValidationError, match="unknown field `scale`"):
        decode("accounts.top_up.v1", body)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field)
        for name, body in SAMPLES.items()
        for field in body
        if field not in {*SECONDS, "device_id", "ip"}
        and (name, field) != ("settlement.request_payout.v1", "amount")
    ],
)
def test_a_field_that_is_missing_or_null_is_refused_by_name(name: str, field: str) -> None:
    """The answer tells the producer what to mend."""
    rest = {key: value for key, value in SAMPLES[name].items() if key != field}

    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{field}`"):
        decode(name, rest)
    with pytest.raises(msgspec.ValidationError, match=rf"at `\$\.{field}`"):
        decode(name, {**rest, field: None})


@pytest.mark.parametrize(("name", "field"), commands_with(*IDS))
def test_an_id_that_is_none_is_refused_by_name(name: str, field: str) -> None:
    """Neither a slash nor a newline at the end gets into the name of a stream."""
    for wrong in ("", "x" * 65, "a b", "a/b", "A-1\n", "担保", "a\u0000", 7):
        with pytest.raises(msgspec.ValidationError, match=rf"at `\$\.{field}`"):
            decode(name, {**SAMPLES[name], field: wrong})
    assert decode(name, {**SAMPLES[name], field: "aZ9._:-" + "x" * 57})


@pytest.mark.parametrize(("name", "field"), commands_with("amount"))
@pytest.mark.parametrize(
    "minor", [0, -1, MINOR_MAX + 1, 2**63, 2**64, 10**30, 12.0, 12.5, "12", True, None]
)
def test_an_amount_out_of_bounds_is_refused_by_name(name: str, field: str, minor: object) -> None:
    """12.0 is not an integer, and zero is not a payment."""
    body = {**SAMPLES[name], field: {"minor": minor, "currency": "CNY"}}

    with pytest.raises(msgspec.ValidationError, match=rf"at `\$\.{field}\.minor`"):
        decode(name, body)


@pytest.mark.parametrize(("name", "field"), commands_with("amount"))
@pytest.mark.parametrize("minor", [1, MINOR_MAX])
def test_an_amount_at_its_bounds_is_taken(name: str, field: str, minor: int) -> None:
    """From one fen to ten thousand billion yuan."""
    assert decode(name, {**SAMPLES[name], field: {"minor": minor, "currency": "CNY"}})


@pytest.mark.parametrize(("name", "field"), commands_with("currency", "amount"))
@pytest.mark.parametrize("code", ["cny", "RMB", "CNYX", "CNY\n", "", 156])
def test_a_currency_that_does_not_exist_is_refused(name: str, field: str, code: object) -> None:
    """Money is of a currency of ISO 4217 or of none."""
    wrong = code if field == "currency" else {"minor": 1, "currency": code}

    with pytest.raises(msgspec.ValidationError, match=r"currency|at `\$\."):
        decode(name, {**SAMPLES[name], field: wrong})


@pytest.mark.parametrize(("name", "field"), commands_with(*TEXTS))
def test_a_text_has_at_most_256_characters(name: str, field: str) -> None:
    """Characters, not bytes: Chinese titles are as long as English ones."""
    assert decode(name, {**SAMPLES[name], field: "担" * 256})
    assert decode(name, {**SAMPLES[name], field: ""})
    with pytest.raises(msgspec.ValidationError, match=rf"at `\$\.{field}`"):
        decode(name, {**SAMPLES[name], field: "担" * 257})


@pytest.mark.parametrize(("name", "field"), commands_with(*SECONDS))
def test_a_span_is_from_a_second_to_sixty_days(name: str, field: str) -> None:
    """A deadline that never comes is no deadline."""
    for good in (1, 5_184_000, None):
        assert decode(name, {**SAMPLES[name], field: good})
    for wrong in (0, -1, 5_184_001, 1.0, "60"):
        with pytest.raises(msgspec.ValidationError, match=rf"at `\$\.{field}`"):
            decode(name, {**SAMPLES[name], field: wrong})


@pytest.mark.parametrize(("days", "good"), [(0, 0), (1, 1), (10, 1), (11, 0), (-1, 0), (2.0, 0)])
def test_an_extension_is_one_to_ten_days(days: object, good: bool) -> None:
    """Long enough for a journey, too short for a hostage."""
    body = {"trade_id": "T-1", "days": days}

    if good:
        assert decode("escrow.extend_receipt.v1", body)
    else:
        with pytest.raises(msgspec.ValidationError, match=r"at `\$\.days`"):
            decode("escrow.extend_receipt.v1", body)


@pytest.mark.parametrize(
    ("name", "field", "wrong"),
    [
        ("accounts.open_account.v1", "kind", "company"),
        ("accounts.open_account.v1", "tier", "IV"),
        ("authorization.authorize_payment.v1", "method", "card"),
        ("escrow.apply_refund.v1", "kind", "exchange"),
        ("risk.add_to_list.v1", "list", "allow"),
        ("risk.add_to_list.v1", "kind", "phone"),
        ("escrow.publish_policy.v1", "effective_from", "2026-03-02T00:00:00"),
        ("escrow.publish_policy.v1", "effective_from", "tomorrow"),
        ("escrow.publish_policy.v1", "body", []),
    ],
)
def test_a_word_that_is_not_in_the_contract_is_refused_by_name(
    name: str, field: str, wrong: object
) -> None:
    """What the engine does not know it does not guess; a moment without a zone is no moment."""
    with pytest.raises(msgspec.ValidationError, match=rf"at `\$\.{field}`"):
        decode(name, {**SAMPLES[name], field: wrong})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [("merchant", "tier", "I"), ("personal", "payout_bank", "bank_ok_1")],
)
def test_a_tier_is_for_persons_and_a_bank_for_merchants(kind: str, field: str, value: str) -> None:
    """The refusal names the field that does not fit the kind."""
    body = {"account_id": "A-1", "kind": kind, "currency": "CNY", field: value}

    with pytest.raises(msgspec.ValidationError, match=f"`{field}`"):
        decode("accounts.open_account.v1", body)


@settings(deadline=None)
@for_all(st.integers())
def test_every_amount_is_taken_exactly_or_refused(minor: int) -> None:
    """No amount is ever rounded, wrapped or cut on its way in."""
    body = {"merchant": "S-1", "amount": {"minor": minor, "currency": "CNY"}}

    if 1 <= minor <= MINOR_MAX:
        command = decode("settlement.request_payout.v1", body)
        assert json.loads(msgspec.json.encode(command)) == body
    else:
        with pytest.raises(msgspec.ValidationError):
            decode("settlement.request_payout.v1", body)
