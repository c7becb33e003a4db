"""What a payout promises: asked for once, concluded once, and never more than is available."""

import pytest
from msgspec.structs import replace
from tests.unit.settlement.merchants import (
    ASK,
    AVAILABLE,
    BANK,
    WITH_BANK,
    WITHOUT_BANK,
    closed,
    conclusion,
    credited,
    failed,
    paid,
    requested,
)

from danbao.contracts.decider import Needs
from danbao.contracts.message import Event
from danbao.ledger.posting import Posting
from danbao.settlement.merchant import decider
from danbao.testing.builders import account, cents, fen
from danbao.testing.spec import given

KEPT: tuple[Event, ...] = (credited(), closed())
ON_ITS_WAY: tuple[Event, ...] = (*KEPT, requested())
PAID: tuple[Event, ...] = (*ON_ITS_WAY, paid())
FAILED: tuple[Event, ...] = (*ON_ITS_WAY, failed())


@pytest.mark.parametrize("minor", [None, 1, 9_940])
def test_a_merchant_may_ask_for_all_that_is_available_or_a_part(minor: int | None) -> None:
    """After a failed payout the money is asked for again; it belongs to no window then."""
    before = given(decider, *FAILED).sharing(WITH_BANK).with_balance(AVAILABLE, 9_940)

    answer = before.when(replace(ASK, amount=None if minor is None else fen(minor)))

    expected = requested(minor or 9_940, number=2, window=None)
    after = answer.then(expected)
    assert answer.postings == (Posting(AVAILABLE, "R.PAYOUT", minor or 9_940, "CNY"),)
    assert after.balances == {(AVAILABLE, "CNY"): 9_940 - (minor or 9_940)}


@pytest.mark.parametrize(
    ("events", "available"), [((), 0), (PAID, 0), ((credited(),), 0), (KEPT, 9_939)]
)
@pytest.mark.parametrize("minor", [None, 9_940])
def test_more_than_is_available_is_refused(
    events: tuple[Event, ...], available: int, minor: int | None
) -> None:
    """Money of an open window, or already on its way, cannot be had twice."""
    before = given(decider, *events).sharing(WITH_BANK).with_balance(AVAILABLE, available)

    answer = before.when(replace(ASK, amount=None if minor is None else fen(minor)))

    if minor is None and available:
        answer.then(requested(available, window=None))
    else:
        answer.then_rejected("insufficient_funds", available_minor=available, currency="CNY")


def test_another_currency_is_not_there() -> None:
    """A merchant has money in its own currency only."""
    before = given(decider, *KEPT).sharing(WITH_BANK).with_balance(AVAILABLE, 9_940)

    before.when(replace(ASK, amount=cents(1))).then_rejected("insufficient_funds", currency="CNY")


@pytest.mark.parametrize("events", [(), KEPT, ON_ITS_WAY, PAID, FAILED])
def test_the_first_fault_of_a_request_is_named(events: tuple[Event, ...]) -> None:
    """Unknown comes first, then the missing bank, then the money."""
    too_much = replace(ASK, amount=cents(10**15))

    given(decider, *events).when(too_much).then_rejected("account_unknown", account_id="S-1")
    given(decider, *events).sharing(WITHOUT_BANK).when(too_much).then_rejected(
        "payout_bank_missing", account_id="S-1"
    )
    given(decider, *events).sharing(WITH_BANK).when(too_much).then_rejected("insufficient_funds")


@pytest.mark.parametrize("actor", ["seller:S-1", "seller:S-2", "buyer:B-1", "operator:O-1"])
def test_anyone_may_ask_for_a_payout(actor: str) -> None:
    """It goes to the merchant's own bank, whoever asks."""
    before = given(decider, *KEPT).sharing(WITH_BANK).with_balance(AVAILABLE, 9_940)

    before.by(actor).when(ASK).then(requested(window=None))


def test_a_payout_goes_to_the_bank_of_the_moment() -> None:
    """A merchant that changed its bank is paid there from the next payout on."""
    moved = account("S-1", kind="merchant", payout_bank="bank_ok_2")
    before = given(decider, *KEPT).sharing(moved).with_balance(AVAILABLE, 9_940)

    before.when(ASK).then(replace(requested(window=None), payout_bank="bank_ok_2"))


@pytest.mark.parametrize("events", [(), KEPT, ON_ITS_WAY, PAID, FAILED])
@pytest.mark.parametrize("reason", [None, "bank_account_closed"])
def test_a_payout_is_concluded_once(events: tuple[Event, ...], reason: str | None) -> None:
    """However often the bank answers, its first answer counts, and an unknown one is nobody's."""
    before = given(decider, *events).with_balance(BANK, 9_940)

    answer = before.when(conclusion(reason=reason))

    if events == ON_ITS_WAY:
        answer.then(paid() if reason is None else failed())
    else:
        answer.then_nothing()


def test_a_paid_payout_leaves_the_bank() -> None:
    """The reserve falls by what the merchant received."""
    answer = given(decider, *ON_ITS_WAY).with_balance(BANK, 9_940).when(conclusion())

    assert answer.postings == (Posting("R.PAYOUT", BANK, 9_940, "CNY"),)
    assert answer.so.balances == {(BANK, "CNY"): 0}


def test_a_failed_payout_is_available_again() -> None:
    """Nothing left the bank, so nothing is lost."""
    answer = given(decider, *ON_ITS_WAY).when(conclusion(reason="bank_account_closed"))

    answer.then(failed())
    assert answer.postings == (Posting("R.PAYOUT", AVAILABLE, 9_940, "CNY"),)


def test_a_payout_waits_until_the_bank_has_the_money() -> None:
    """The note of a receipt may be on its way; the books never show less than nothing."""
    before = given(decider, *ON_ITS_WAY).with_balance(BANK, 9_939)

    later = before.when(conclusion()).then_postponed()

    later.with_balance(BANK, 9_940).when(conclusion()).then(paid())


def test_a_failure_does_not_wait_for_the_bank() -> None:
    """Nothing is taken from it."""
    given(decider, *ON_ITS_WAY).when(conclusion(reason="bank_account_closed")).then(failed())


def test_each_payout_has_an_id_of_its_own() -> None:
    """Two payouts of the same amount are two; one answer concludes one of them."""
    before = given(decider, *ON_ITS_WAY, requested(number=2, window=None))

    after = before.with_balance(BANK, 20_000).when(conclusion(number=2)).then(paid(number=2))

    assert after.state.open_payouts == (requested().payout_id,)


def test_requests_lock_only_accounts_that_the_merchant_has() -> None:
    """A merchant without a credit has no row to lock."""
    facts = ("account/S-1",)

    assert given(decider).sharing(WITH_BANK).when(ASK).needs == Needs(facts=facts)
    before = given(decider, *KEPT).sharing(WITH_BANK)
    assert before.when(ASK).needs == Needs(facts=facts, debits=((AVAILABLE, "CNY"),))
