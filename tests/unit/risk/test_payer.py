"""What an assessment promises: rules that are data, and a verdict that names all it used."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from danbao.contracts import risk as m
from danbao.contracts.decider import Needs
from danbao.contracts.policy import RiskPaymentRules
from danbao.risk.payer import REMEMBERED_MAX, decider
from danbao.testing.builders import START, fen, listed, policy
from danbao.testing.spec import given

SECOND = timedelta(seconds=1)
WISH = m.AssessPayment(
    payment_id="P-1",
    payer="B-1",
    amount=fen(10_000),
    requested_at=START,
    device_id="D-1",
    ip="10.0.0.7",
)


def assessed(
    *reasons: m.Reason,
    wish: m.AssessPayment = WISH,
    listed_: tuple[str, ...] = (),
    in_window: int = 1,
    rules_version: int = 0,
) -> m.PaymentAssessed:
    """The verdict on the payment; with a reason it is declined."""
    return m.PaymentAssessed(
        payment_id=wish.payment_id,
        payer="B-1",
        decision="decline" if reasons else "approve",
        score=100 if reasons else 0,
        reasons=reasons,
        rules_version=rules_version,
        features=m.Features(
            amount=wish.amount,
            requested_at=wish.requested_at,
            listed=listed_,
            payments_in_window=in_window,
        ),
    )


def earlier(count: int, at: datetime = START) -> list[m.PaymentAssessed]:
    """So many payments that were requested before."""
    return [assessed(wish=replace(WISH, requested_at=at)) for _ in range(count)]


def test_a_harmless_payment_is_approved_with_all_that_was_looked_at() -> None:
    """A regulator can replay the verdict from the event alone."""
    given(decider).when(WISH).then(assessed())


@pytest.mark.parametrize(("minor", "reasons"), [(5_000_000, ()), (5_000_001, ("over",))])
def test_a_single_payment_above_the_limit_is_declined(minor: int, reasons: tuple[str, ...]) -> None:
    """Exactly at the limit is still allowed."""
    wish = replace(WISH, amount=fen(minor))

    given(decider).when(wish).then(
        assessed("amount_over_limit", wish=wish) if reasons else assessed(wish=wish)
    )


@pytest.mark.parametrize(
    ("kinds", "values"),
    [
        (("account",), ("B-1",)),
        (("device",), ("D-1",)),
        (("ip",), ("10.0.0.7",)),
        (("account", "device", "ip"), ("B-1", "D-1", "10.0.0.7")),
    ],
)
def test_a_listed_payer_device_or_address_is_declined(
    kinds: tuple[str, ...], values: tuple[str, ...]
) -> None:
    """One reason, however many of the three are listed; the features say which."""
    entries = [listed(*entry) for entry in zip(kinds, values, strict=True)]

    given(decider).sharing(*entries).when(WISH).then(assessed("listed", listed_=kinds))


def test_what_a_payment_does_not_name_is_not_asked_about() -> None:
    """A payment without device and address is judged by its payer."""
    wish = replace(WISH, device_id=None, ip=None)

    answer = given(decider).when(wish)

    assert answer.needs == Needs(facts=("policy/risk.payment_rules", "list/account/B-1"))
    answer.then(assessed(wish=wish))


@pytest.mark.parametrize(("before", "declined"), [(29, False), (30, True), (31, True)])
def test_more_than_thirty_payments_an_hour_are_declined(before: int, declined: bool) -> None:
    """The thirtieth passes, the thirty-first does not."""
    history = given(decider, *earlier(before))

    reasons: tuple[m.Reason, ...] = ("velocity_payer",) if declined else ()
    history.when(WISH).then(assessed(*reasons, in_window=before + 1))


@pytest.mark.parametrize(
    ("ago", "in_window"), [(3_599 * SECOND, 31), (3_600 * SECOND, 1), (3_601 * SECOND, 1)]
)
def test_payments_of_more_than_an_hour_ago_are_forgotten(ago: timedelta, in_window: int) -> None:
    """A busy morning does not stop the afternoon."""
    answer = given(decider, *earlier(30, START - ago)).when(WISH)

    [verdict] = answer.events
    assert isinstance(verdict, m.PaymentAssessed)
    assert verdict.features.payments_in_window == in_window


def test_declined_payments_count_too() -> None:
    """Trying again and again does not open the door."""
    blocked = assessed("listed", listed_=("account",))

    answer = given(decider, *[blocked] * 30).when(WISH)

    answer.then(assessed("velocity_payer", in_window=31))


def test_all_reasons_are_named_in_the_order_of_the_rules() -> None:
    """Support sees everything that was wrong, always in the same order."""
    wish = replace(WISH, amount=fen(5_000_001))
    before = given(decider, *earlier(30)).sharing(listed("ip", "10.0.0.7"))

    before.when(wish).then(
        assessed(
            "amount_over_limit",
            "listed",
            "velocity_payer",
            wish=wish,
            listed_=("ip",),
            in_window=31,
        )
    )


def test_the_rules_are_a_policy_and_the_verdict_names_its_version() -> None:
    """New rules need no release, and old verdicts stay explainable."""
    rules = RiskPaymentRules(
        single_payment_minor_max=9_999, velocity_payments_max=1, velocity_window_s=60
    )
    before = given(decider, *earlier(1, START - 59 * SECOND))

    before.sharing(policy("risk.payment_rules", rules)).when(WISH).then(
        assessed("amount_over_limit", "velocity_payer", in_window=2, rules_version=1)
    )


def test_the_profile_remembers_no_more_than_a_rule_can_count() -> None:
    """A payer with a million payments is as cheap to judge as one with a hundred."""
    state = given(decider, *earlier(REMEMBERED_MAX + 7)).state
    rules = RiskPaymentRules(velocity_payments_max=REMEMBERED_MAX)
    before = given(decider, *earlier(REMEMBERED_MAX + 7))

    assert len(state.requested_us) == REMEMBERED_MAX
    before.sharing(policy("risk.payment_rules", rules)).when(WISH).then(
        assessed("velocity_payer", in_window=REMEMBERED_MAX + 1, rules_version=1)
    )


def test_an_assessment_moves_no_money() -> None:
    """Judging is not paying."""
    assert given(decider).when(WISH).postings == ()
