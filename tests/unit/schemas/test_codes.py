"""Which command may be refused with which code: found by running, compared with the contract."""

import pytest

from danbao.contracts.rejection import DeclineCode, RejectionCode, ReturnReason
from danbao.schemas.codes import DECLINE_MEANING, FROM_KERNEL, RETURN_MEANING, answers, codes
from danbao.schemas.messages import PUBLIC_COMMANDS

OF_ANY = {"command_id_reused", "invalid_command"}
OF_TRADE = {"not_allowed", "trade_unknown", "wrong_state"}
OF_POLICY = {"not_allowed", "policy_unknown"}
CONTRACT: dict[str, set[str]] = {
    "accounts.open_account.v1": {"account_exists"},
    "accounts.top_up.v1": {
        "account_unknown", "top_up_exists", "account_frozen", "currency_mismatch",
    },
    "accounts.freeze_account.v1": {"not_allowed", "account_unknown", "already_frozen"},
    "accounts.unfreeze_account.v1": {"not_allowed", "account_unknown", "not_frozen"},
    "accounts.set_payout_bank.v1": {"account_unknown"},
    "accounts.publish_policy.v1": OF_POLICY,
    "authorization.authorize_payment.v1": {"not_allowed", "payment_exists"},
    "authorization.publish_policy.v1": OF_POLICY,
    "channel.publish_policy.v1": OF_POLICY,
    "escrow.create_trade.v1": {
        "trade_exists", "buyer_is_seller", "seller_unknown", "seller_not_merchant",
        "currency_mismatch",
    },
    "escrow.ship_trade.v1": OF_TRADE,
    "escrow.extend_receipt.v1": OF_TRADE | {"trade_frozen", "extension_limit"},
    "escrow.confirm_receipt.v1": OF_TRADE | {"trade_frozen", "refund_open"},
    "escrow.cancel_trade.v1": OF_TRADE | {"trade_frozen"},
    "escrow.apply_refund.v1": OF_TRADE | {
        "refund_exists", "refund_open", "currency_mismatch", "refund_exceeds",
    },
    "escrow.agree_refund.v1": OF_TRADE | {"refund_unknown", "trade_frozen"},
    "escrow.refuse_refund.v1": OF_TRADE | {"refund_unknown"},
    "escrow.cancel_refund.v1": OF_TRADE | {"refund_unknown"},
    "escrow.freeze_trade.v1": OF_TRADE,
    "escrow.unfreeze_trade.v1": OF_TRADE,
    "escrow.publish_policy.v1": OF_POLICY | {"policy_invalid"},
    "risk.add_to_list.v1": {"not_allowed", "entry_exists"},
    "risk.remove_from_list.v1": {"not_allowed", "entry_unknown"},
    "risk.publish_policy.v1": OF_POLICY | {"policy_invalid"},
    "settlement.close_window.v1": {"not_allowed", "window_empty"},
    "settlement.request_payout.v1": {
        "account_unknown", "payout_bank_missing", "insufficient_funds",
    },
    "settlement.publish_policy.v1": OF_POLICY | {"policy_invalid"},
}  # fmt: skip


@pytest.mark.parametrize("command_type", sorted(PUBLIC_COMMANDS))
def test_the_refusals_of_a_command_are_those_of_the_contract(command_type: str) -> None:
    """An upstream system that handles the listed codes has handled them all."""
    found = set(answers()[command_type]["refusals"])

    assert found == CONTRACT[command_type] | OF_ANY


def test_every_refusal_code_can_happen() -> None:
    """A code that nothing gives would be noise in every client."""
    found = {code for answer in answers().values() for code in answer["refusals"]}

    assert found == {code.value for code in RejectionCode}


def test_every_code_is_explained() -> None:
    """Each code says what it means, and a refusal what to do about it."""
    made = codes()

    assert set(made["refusals"]) == {code.value for code in RejectionCode}
    assert all(entry["meaning"] and entry["advice"] for entry in made["refusals"].values())
    assert list(DECLINE_MEANING) == list(DeclineCode)
    assert list(RETURN_MEANING) == list(ReturnReason)


def test_every_command_can_be_answered_with_an_event() -> None:
    """A command that is always refused would be no command.  Three services have no policies."""
    never = {name for name, answer in answers().items() if not answer["events"]}

    without_policies = ("accounts", "authorization", "channel")
    assert never == {f"{service}.publish_policy.v1" for service in without_policies}


def test_the_kernel_may_refuse_every_command() -> None:
    """Invalid data and reused ids are answered before any decider is asked."""
    for answer in answers().values():
        assert {code.value for code in FROM_KERNEL} <= set(answer["refusals"])
