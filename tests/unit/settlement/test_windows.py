"""What a settlement window promises: every credit in exactly one window, fees to the minor unit."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.unit.settlement.merchants import (
    AVAILABLE,
    CLOSE,
    CREDIT,
    CUT_OFF,
    MIDNIGHT,
    PENDING,
    WITH_BANK,
    WITHOUT_BANK,
    closed,
    credited,
    paid,
    requested,
)

from danbao.contracts import settlement as m
from danbao.contracts.decider import Needs
from danbao.contracts.message import Event
from danbao.contracts.policy import SettlementCutOff, SettlementFee
from danbao.ledger.posting import Posting
from danbao.settlement.merchant import decider
from danbao.testing.builders import START, cents, fen, policy
from danbao.testing.spec import given

SITUATIONS: dict[str, tuple[Event, ...]] = {
    "unknown": (),
    "open": (credited(),),
    "closed": (credited(), closed()),
    "on its way": (credited(), closed(), requested()),
    "paid": (credited(), closed(), requested(), paid()),
    "open again": (credited(), closed(), credited("T-2", number=2)),
}
OPEN = {"open", "open again"}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_window_with_a_credit_can_be_closed_and_an_empty_one_cannot(situation: str) -> None:
    """A merchant is never told of a settlement of nothing."""
    before = given(decider, *SITUATIONS[situation]).sharing(WITHOUT_BANK)

    answer = before.when(CLOSE)

    assert answer.outcome == ("WindowClosed" if situation in OPEN else "window_empty")


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("generation", [0, 1, 2, 3])
def test_a_cut_off_closes_its_own_window_only(situation: str, generation: int) -> None:
    """A timer of a window that was closed by hand does not close the next one early."""
    before = given(decider, *SITUATIONS[situation]).sharing(WITHOUT_BANK).at(MIDNIGHT)

    answer = before.when(replace(CUT_OFF, generation=generation))

    own = {"open": 1, "open again": 2}.get(situation)
    assert answer.outcome == ("WindowClosed" if generation == own else "nothing")


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_credit_is_counted_into_the_open_window(situation: str) -> None:
    """A released trade is never refused and never lost; a closed window takes nothing more."""
    numbers = {"unknown": 1, "open": 1}

    answer = given(decider, *SITUATIONS[situation]).when(replace(CREDIT, trade_id="T-9"))

    answer.then(credited("T-9", number=numbers.get(situation, 2)))


def test_a_credit_fixes_its_fee_and_asks_for_nothing_but_policies() -> None:
    """A hot merchant's credits lock no account; the fee is posted when the window closes."""
    answer = given(decider).when(CREDIT)

    answer.then(credited())
    assert answer.postings == ()
    assert answer.needs == Needs(facts=("policy/settlement.fee", "policy/settlement.cut_off"))


def test_the_fee_is_a_policy_and_the_credit_names_its_version() -> None:
    """A merchant finds the price under which each trade was settled."""
    before = given(decider).sharing(policy("settlement.fee", SettlementFee(fee_bps=38)))

    before.when(CREDIT).then(replace(credited(fee_bps=38), policy_version=1))


@pytest.mark.parametrize(
    ("minor", "fee"), [(83, 0), (84, 1), (250, 2), (251, 2), (750, 4), (417, 3), (1, 0)]
)
def test_the_fee_is_rounded_half_to_even(minor: int, fee: int) -> None:
    """1.5 becomes 2 and 4.5 becomes 4: over many trades rounding favours nobody."""
    [event] = given(decider).when(replace(CREDIT, amount=fen(minor))).events

    assert isinstance(event, m.CreditRecorded)
    assert (event.fee.minor, event.net.minor) == (fee, minor - fee)


def test_closing_takes_the_sum_of_the_fees_and_pays_the_window_s_own_net() -> None:
    """The merchant's statement adds up trade by trade; book O mirrors the fee."""
    before = given(decider, credited(), credited("T-2", 84)).sharing(WITH_BANK)

    answer = before.with_balance(PENDING, 10_084).with_balance(AVAILABLE, 500).when(CLOSE)

    after = answer.then(closed(10_084, 61, count=2, versions=(1, 2)), requested(10_023))
    assert answer.postings == (
        Posting(PENDING, AVAILABLE, 10_023, "CNY"),
        Posting(PENDING, "R.DUE_TO_O", 61, "CNY"),
        Posting("O.DUE_FROM_R", "O.INC.FEE", 61, "CNY"),
        Posting(AVAILABLE, "R.PAYOUT", 10_023, "CNY"),
    )
    assert after.balances == {(PENDING, "CNY"): 0, (AVAILABLE, "CNY"): 500}


def test_a_merchant_without_a_bank_keeps_the_money_available() -> None:
    """The window closes all the same; nothing is asked of a bank that is not there."""
    for shared in ((), (WITHOUT_BANK,)):
        before = given(decider, credited()).sharing(*shared).with_balance(PENDING, 10_000)

        after = before.with_balance(AVAILABLE, 0).when(CLOSE).then(closed())

        assert after.balances == {(PENDING, "CNY"): 0, (AVAILABLE, "CNY"): 9_940}


def test_a_window_whose_net_is_nothing_is_closed_without_a_payout() -> None:
    """A fee of everything leaves nothing to pay, and postings of zero are left out."""
    before = given(decider, credited(fee_bps=10_000)).sharing(WITH_BANK)

    answer = before.when(CLOSE)

    answer.then(closed(fee=10_000))
    assert [posting.minor for posting in answer.postings] == [10_000, 10_000]


def test_a_window_without_a_fee_posts_none() -> None:
    """Postings of zero are left out."""
    answer = given(decider, credited(minor=83)).sharing(WITHOUT_BANK).when(CLOSE)

    assert answer.postings == (Posting(PENDING, AVAILABLE, 83, "CNY"),)


def test_a_window_names_the_versions_it_counts() -> None:
    """An auditor cuts the merchant's stream at exactly these places."""
    history = (credited(), closed(), requested(), paid(), credited("T-2", number=2))
    before = given(decider, *history).sharing(WITHOUT_BANK)

    before.when(CLOSE).then(closed(versions=(5, 5), number=2))


def test_windows_of_two_currencies_are_two_windows() -> None:
    """Fen and cents are never added up, and each window has its own cut-off."""
    credit = replace(CREDIT, trade_id="T-2", amount=cents(10_000))
    both = given(decider, credited()).when(credit).so.sharing(WITHOUT_BANK)

    names = {each.command.name: each.command.generation for each in both.timers}
    assert names == {"cut_off_window:CNY": 1, "cut_off_window:USD": 1}
    one = both.when(CLOSE).then(closed())
    assert [each.command.name for each in one.timers] == ["cut_off_window:USD"]
    assert one.when(replace(CLOSE, currency="USD")).outcome == "WindowClosed"


def test_the_first_credit_sets_the_cut_off_for_the_whole_window() -> None:
    """Midnight in Shanghai; a later credit does not put it off."""
    first = given(decider).when(CREDIT).then(credited())

    again = first.at(MIDNIGHT + timedelta(seconds=1)).when(replace(CREDIT, trade_id="T-2"))

    after = again.then(credited("T-2"))
    assert [(each.due_at, each.command) for each in after.timers] == [(MIDNIGHT, CUT_OFF)]


def test_a_cut_off_that_is_early_does_nothing() -> None:
    """The day belongs to the merchant until midnight."""
    before = given(decider, credited()).sharing(WITHOUT_BANK)

    before.at(MIDNIGHT - timedelta(microseconds=1)).when(CUT_OFF).then_nothing()
    after = before.at(MIDNIGHT).when(CUT_OFF).then(closed())
    after.when(CUT_OFF).then_nothing()


def test_without_a_cut_off_windows_close_by_command_only() -> None:
    """A policy may switch the timer off."""
    off = policy("settlement.cut_off", SettlementCutOff(enabled=False))

    after = given(decider).sharing(off).when(CREDIT).then(credited(closes_at=None))

    assert after.timers == ()
    after.at(START + timedelta(days=9)).when(CUT_OFF).then_nothing()


@pytest.mark.parametrize("situation", ["unknown", "open"])
@pytest.mark.parametrize(
    ("actor", "may"), [("seller:S-1", False), ("buyer:B-1", False), ("operator:O-1", True)]
)
def test_only_operators_close_windows(situation: str, actor: str, may: bool) -> None:
    """A merchant does not settle itself; that it has no credit is not told before."""
    before = given(decider, *SITUATIONS[situation]).sharing(WITHOUT_BANK).by(actor)

    answer = before.when(CLOSE)

    assert (answer.outcome != "not_allowed") == may
