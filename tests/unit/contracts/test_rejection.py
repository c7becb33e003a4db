"""Refusals: a closed vocabulary that clients may rely on for ever."""

from danbao.contracts.rejection import MEANING, DeclineCode, RejectionCode, ReturnReason

# The contract: the column "refusals" of its table, and "Answers" below it.
CODES = """
command_id_reused invalid_command not_allowed
account_exists account_unknown top_up_exists account_frozen currency_mismatch
already_frozen not_frozen trade_exists buyer_is_seller seller_unknown seller_not_merchant
payment_exists trade_unknown wrong_state trade_frozen extension_limit refund_open
refund_exists refund_exceeds refund_unknown window_empty payout_bank_missing
insufficient_funds policy_unknown policy_invalid entry_exists entry_unknown
"""


def test_every_code_of_the_contract_exists_under_its_name() -> None:
    """Codes are added, never renamed or removed: clients branch on them."""
    assert {code.value for code in RejectionCode} >= set(CODES.split())


def test_every_code_says_what_it_means_and_what_to_do() -> None:
    """Whoever gets a refusal knows whether trying again makes sense."""
    assert set(MEANING) == set(RejectionCode)
    for meaning, advice in MEANING.values():
        assert meaning.endswith(".")
        assert advice.endswith(".")


def test_declines_are_those_of_the_contract_in_its_order() -> None:
    """The order is the order of checking."""
    assert " ".join(DeclineCode) == (
        "risk_declined account_unknown account_frozen currency_mismatch insufficient_funds"
    )


def test_returns_are_those_of_the_contract_in_its_order() -> None:
    """The order is the order of checking."""
    assert " ".join(ReturnReason) == (
        "trade_unknown trade_closed already_paid wrong_payer wrong_amount wrong_currency"
    )
