"""The given/when/then kit: it passes what is right, and names what a decider promised and broke."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
import pytest

from danbao.authorization import payment
from danbao.contracts import authorization
from danbao.contracts.decider import Deadline, Decider, Decision, Needs, Wish
from danbao.contracts.facts import Facts
from danbao.contracts.message import Command, Event, Timer
from danbao.contracts.rejection import Postponed, Rejected, RejectionCode
from danbao.testing.builders import START, account, fen
from danbao.testing.spec import fold, given

AUTHORIZE = authorization.AuthorizePayment(
    payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(100), method="balance"
)
REQUESTED = authorization.PaymentRequested(
    payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(100), method="balance"
)
CAPTURED = authorization.PaymentCaptured(
    payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(100)
)
APPROVE = authorization.ConcludePayment(payment_id="P-1", payer="B-1", decision="approve")


class Ring(Command, frozen=True, kw_only=True):
    """Ring the bell."""

    KEY: ClassVar = "bell"

    bell: str = "1"


class Remind(Timer, frozen=True, kw_only=True):
    """It rang some time ago."""

    bell: str = "1"


class Rang(Event, frozen=True, kw_only=True):
    """The bell rang."""

    STREAM: ClassVar = "bell/{bell}"

    bell: str = "1"


class Bell(msgspec.Struct, frozen=True):
    """How often it rang."""

    rings: int = 0


def decide(_wish: Wish, _bell: Bell, _facts: Facts) -> Decision:
    return [Rang()]


def evolve(bell: Bell, _event: Rang) -> Bell:
    return Bell(bell.rings + 1)


def bell(
    decide_: Callable[[Wish, Bell, Facts], Decision] = decide,
    *,
    evolve_: Callable[[Bell, Rang], Bell] = evolve,
    timers: Callable[[Bell], list[Deadline]] = lambda _bell: [],
    needs: Needs | None = None,
) -> Decider[Bell]:
    """A decider that does one thing wrong."""
    return Decider(
        category="bell",
        initial=Bell(),
        decide=decide_,
        evolve=evolve_,
        needs=lambda _wish, _state: needs or Needs(),
        timers=timers,
        stream_of=lambda wish: f"bell/{wish.bell}",
        commands=(Ring, Remind),
        events=(Rang,),
    )


def test_a_right_decider_passes() -> None:
    """Every `then` that is true is quiet, and a story goes on from it."""
    story = given(bell()).when(Ring()).then(Rang()).after(timedelta(hours=1)).when(Ring()).so

    assert story.state == Bell(2) == fold(bell(), [Rang(), Rang()])
    assert story.now == START + timedelta(hours=1)


def test_what_is_said_differently_is_named_with_both_sides() -> None:
    """Whoever broke a rule sees at once what was promised and what came."""
    answer = given(payment.decider).when(AUTHORIZE)

    with pytest.raises(AssertionError, match=r"(?s)expected: .*Captured.*actual: .*Requested"):
        answer.then(CAPTURED)
    with pytest.raises(AssertionError, match="expected: a refusal `payment_exists`"):
        answer.then_rejected("payment_exists")
    with pytest.raises(AssertionError, match="expected: nothing"):
        answer.then_nothing()
    with pytest.raises(AssertionError, match="expected: not yet"):
        answer.then_postponed()
    with pytest.raises(AssertionError, match="use `then_nothing`"):
        answer.then()


def test_a_refusal_is_compared_by_code_and_by_the_facts_that_are_named() -> None:
    """A test says which facts matter to it; the others may change."""
    refused = given(payment.decider, REQUESTED).when(AUTHORIZE)

    refused.then_rejected("payment_exists")
    refused.then_rejected(RejectionCode.PAYMENT_EXISTS, payment_id="P-1")
    with pytest.raises(AssertionError, match="the facts of `payment_exists`"):
        refused.then_rejected("payment_exists", payment_id="P-2")
    with pytest.raises(AssertionError, match="the answer"):
        refused.then(REQUESTED)


def test_a_postponed_answer_is_neither_yes_nor_no() -> None:
    """Only reactions wait; a test says so in one word."""
    answer = given(bell(lambda *_: Postponed("later"))).when(Ring())

    answer.then_postponed()
    assert answer.outcome == "postponed"
    with pytest.raises(AssertionError, match="the answer"):
        answer.then_nothing()


def test_a_decider_that_reads_what_it_did_not_ask_for_is_caught() -> None:
    """In production it would read what another transaction is just changing."""
    greedy = bell(lambda _wish, _bell, facts: [Rang()] if facts.account("A-1") else [])

    with pytest.raises(AssertionError, match="read 'account/A-1', which `needs` did not ask for"):
        given(greedy).sharing(account("A-1")).when(Ring())


def test_a_decider_that_debits_what_it_did_not_ask_for_is_caught() -> None:
    """In production two debits at once could overdraw the account."""
    careless = bell(lambda *_: [CAPTURED], needs=Needs(streams=("payment/P-1",)))

    with pytest.raises(AssertionError, match=r"R\.CUST\.B-1\.AVAILABLE.* did not ask for"):
        given(careless).when(Ring()).then(CAPTURED)


def test_a_balance_that_the_test_knows_never_falls_below_zero() -> None:
    """The database would refuse the whole batch."""
    wallet = ("R.CUST.B-1.AVAILABLE", "CNY")
    needs = Needs(streams=("payment/P-1",), debits=(wallet,))
    generous = given(bell(lambda *_: [CAPTURED], needs=needs))

    with pytest.raises(AssertionError, match="falls below zero, to -1"):
        generous.with_balance(wallet[0], 99).when(Ring()).then(CAPTURED)
    after = generous.with_balance(wallet[0], 100).when(Ring()).then(CAPTURED)
    assert after.balances == {wallet: 0}


def test_an_event_for_a_stream_that_was_not_asked_for_is_caught() -> None:
    """The kernel locks streams before it decides, not after."""
    stray = bell(lambda *_: [Rang(bell="2")])

    with pytest.raises(AssertionError, match="`bell/2`, which `needs` did not ask for"):
        given(stray).when(Ring()).then(Rang(bell="2"))


def test_a_decider_that_answers_differently_when_asked_twice_is_caught() -> None:
    """A batch that is tried again must come out the same."""
    moods = iter([[Rang()], []])

    with pytest.raises(AssertionError, match="the same answer when asked twice"):
        given(bell(lambda *_: next(moods))).when(Ring())


def test_a_state_that_json_cannot_keep_is_caught() -> None:
    """Between two batches a state lives as JSON."""

    class Exact(msgspec.Struct, frozen=True):
        rings: int = 0

        def __eq__(self, other: object) -> bool:
            return self is other

        __hash__ = None  # type: ignore[assignment]

    forgetful = Decider(
        category="bell",
        initial=Exact(),
        evolve=lambda _state, _event: Exact(1),
        events=(Rang,),
    )

    with pytest.raises(AssertionError, match="the state after Rang, through JSON"):
        given(forgetful, Rang())


@pytest.mark.parametrize(
    ("due", "why"),
    [
        (lambda rings: [(rings, 1)], "the moment of timer"),
        (lambda rings: [(1, rings), (1, rings + 10)], "two timers of one name"),
    ],
)
def test_timers_that_cannot_be_told_apart_are_caught(
    due: Callable[[int], list[tuple[int, int]]], why: str
) -> None:
    """One would silently take the place of the other in the scheduler's table."""

    def timers(state: Bell) -> list[Deadline]:
        return [
            Deadline(START + timedelta(hours=hours), Remind(generation=generation))
            for hours, generation in due(state.rings)
        ]

    with pytest.raises(AssertionError, match=why):
        given(bell(timers=timers), Rang(), Rang())


def test_a_timer_for_another_stream_is_caught() -> None:
    """It would wake up a stranger."""
    stray = [Deadline(START, Remind(bell="2", generation=1))]

    with pytest.raises(AssertionError, match="the stream of a timer"):
        given(bell(timers=lambda _bell: stray), Rang())


def test_facts_and_wishes_of_others_are_caught() -> None:
    """A history that cannot have happened proves nothing."""
    with pytest.raises(AssertionError, match="is no event of `bell` streams"):
        given(bell(), REQUESTED)
    with pytest.raises(AssertionError, match="belong to several streams"):
        given(bell(), Rang(), Rang(bell="2"))
    with pytest.raises(AssertionError, match="does not answer AuthorizePayment"):
        given(bell()).when(AUTHORIZE)


def test_facts_of_a_refusal_are_plain_values() -> None:
    """They are written into an event, so JSON must be able to hold them."""
    vague = bell(lambda *_: Rejected(RejectionCode.WRONG_STATE, {"state": object}))

    with pytest.raises(TypeError):
        given(vague).when(Ring()).then_rejected("wrong_state")


def test_the_moment_and_the_actor_of_a_command_can_be_said() -> None:
    """Deciders know the time and the party only from outside."""
    seen: list[Facts] = []
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def look(_wish: Wish, _bell: Bell, facts: Facts) -> Decision:
        seen.append(facts)
        return []

    given(bell(look)).at(noon).by("buyer:B-1").when(Ring()).then_nothing()
    assert {(facts.now, facts.actor) for facts in seen} == {(noon, "buyer:B-1")}


def test_a_capture_is_checked_from_wish_to_posting() -> None:
    """The example of the documentation."""
    before = given(payment.decider, REQUESTED).sharing(account("B-1"))

    after = before.with_balance("R.CUST.B-1.AVAILABLE", 150).when(APPROVE).then(CAPTURED)

    assert after.balances == {("R.CUST.B-1.AVAILABLE", "CNY"): 50}
