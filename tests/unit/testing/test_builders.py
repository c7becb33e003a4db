"""Builders: short words for the values that most tests need."""

from datetime import timedelta

from danbao.contracts.facts import AccountFact, Facts, ListFact
from danbao.contracts.money import Amount
from danbao.contracts.policy import SettlementFee
from danbao.testing.builders import START, account, cents, fen, listed, policy


def test_amounts_are_amounts_of_commands() -> None:
    """They fit commands and events alike."""
    assert fen(5) == Amount(5, "CNY")
    assert cents(5) == Amount(5, "USD")


def test_an_account_is_personal_open_and_in_yuan_unless_said_otherwise() -> None:
    """A test says only what matters to it."""
    shared = account("A-1")

    assert shared.key == "account/A-1"
    assert shared.fact == AccountFact(kind="personal", currency="CNY")


def test_a_listed_value_is_on_the_block_list() -> None:
    """The key is the one that an assessment asks for."""
    assert (listed("ip", "::1").key, listed("ip", "::1").fact) == (
        "list/ip/::1",
        ListFact(listed=True),
    )


def test_policies_are_numbered_and_in_force_from_their_moment() -> None:
    """The last one wins."""
    shared = policy(
        "settlement.fee", SettlementFee(fee_bps=1), SettlementFee(fee_bps=2), effective_from=START
    )
    facts = {shared.key: shared.fact}

    now = Facts(now=START, shared=facts).policy("settlement.fee", SettlementFee)
    before = Facts(now=START - timedelta(seconds=1), shared=facts)

    assert now == (2, SettlementFee(fee_bps=2))
    assert before.policy("settlement.fee", SettlementFee) == (0, SettlementFee())
