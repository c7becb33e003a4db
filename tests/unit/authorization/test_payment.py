"""What a payment promises: captured once after risk has spoken, or declined with a reason."""

from itertools import chain, combinations

import pytest
from msgspec.structs import replace

from danbao.authorization.payment import decider
from danbao.contracts import authorization as m
from danbao.contracts.decider import NOTHING, Needs, Wish
from danbao.contracts.message import Event
from danbao.contracts.rejection import DeclineCode
from danbao.ledger.posting import Posting
from danbao.testing.builders import account, fen
from danbao.testing.spec import given

WALLET = "R.CUST.B-1.AVAILABLE"
COMMAND = m.AuthorizePayment(
    payment_id="P-1",
    trade_id="T-1",
    payer="B-1",
    amount=fen(10_000),
    method="balance",
    device_id="D-1",
    ip="10.0.0.7",
)
APPROVE = m.ConcludePayment(payment_id="P-1", payer="B-1", decision="approve")
DECLINE = replace(APPROVE, decision="decline")
CHALLENGE = replace(APPROVE, decision="challenge")

REQUESTED = m.PaymentRequested(
    payment_id="P-1",
    trade_id="T-1",
    payer="B-1",
    amount=fen(10_000),
    method="balance",
    device_id="D-1",
    ip="10.0.0.7",
)
CAPTURED = m.PaymentCaptured(payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(10_000))


def declined(code: str) -> m.PaymentDeclined:
    """The payment does not happen."""
    return m.PaymentDeclined(
        payment_id="P-1",
        trade_id="T-1",
        payer="B-1",
        amount=fen(10_000),
        code=DeclineCode(code),
    )


SITUATIONS: dict[str, tuple[Event, ...]] = {
    "unknown": (),
    "requested": (REQUESTED,),
    "captured": (REQUESTED, CAPTURED),
    "declined": (REQUESTED, declined("risk_declined")),
}
TABLE: dict[tuple[str, Wish], str] = {
    ("unknown", COMMAND): "PaymentRequested",
    ("requested", COMMAND): "payment_exists",
    ("captured", COMMAND): "payment_exists",
    ("declined", COMMAND): "payment_exists",
    ("requested", APPROVE): "PaymentCaptured",
    ("requested", DECLINE): "PaymentDeclined",
    ("requested", CHALLENGE): "PaymentDeclined",
    **{
        (situation, conclusion): "nothing"
        for situation in ("unknown", "captured", "declined")
        for conclusion in (APPROVE, DECLINE, CHALLENGE)
    },
}


@pytest.mark.parametrize(("situation", "wish"), TABLE)
def test_every_wish_in_every_situation_has_the_outcome_of_the_table(
    situation: str, wish: Wish
) -> None:
    """However often risk speaks, a payment is concluded once."""
    before = given(decider, *SITUATIONS[situation]).sharing(account("B-1"))

    assert before.with_balance(WALLET, 10_000).when(wish).outcome == TABLE[situation, wish]


def test_a_request_moves_no_money_and_keeps_all_that_risk_will_ask() -> None:
    """Device and address reach the assessment; the wallet is untouched until then."""
    answer = given(decider).when(COMMAND)

    answer.then(REQUESTED)
    assert answer.postings == ()
    assert answer.needs == NOTHING


def test_a_capture_takes_the_money_out_of_the_wallet_into_escrow() -> None:
    """From here on the platform stands surety."""
    before = given(decider, REQUESTED).sharing(account("B-1")).with_balance(WALLET, 10_000)

    answer = before.when(APPROVE)

    after = answer.then(CAPTURED)
    assert answer.postings == (Posting(WALLET, "R.ESCROW.T-1", 10_000, "CNY"),)
    assert after.balances == {(WALLET, "CNY"): 0}


@pytest.mark.parametrize(("balance", "outcome"), [(10_000, None), (9_999, "insufficient_funds")])
def test_a_wallet_pays_to_its_last_fen_and_not_beyond(balance: int, outcome: str | None) -> None:
    """No customer ever owes the platform."""
    before = given(decider, REQUESTED).sharing(account("B-1")).with_balance(WALLET, balance)

    before.when(APPROVE).then(declined(outcome) if outcome else CAPTURED)


def test_a_challenge_declines_for_now() -> None:
    """Nobody can answer a challenge yet, so it must not pass."""
    before = given(decider, REQUESTED).sharing(account("B-1")).with_balance(WALLET, 10_000)

    before.when(CHALLENGE).then(declined("risk_declined"))


FAULTS = tuple(DeclineCode)
SUBSETS = list(chain.from_iterable(combinations(FAULTS, size) for size in range(1, 6)))


@pytest.mark.parametrize("faults", SUBSETS)
def test_the_first_reason_to_decline_is_named(faults: tuple[DeclineCode, ...]) -> None:
    """A shop that shows the reason shows the same one to everybody."""
    before = given(decider, REQUESTED)
    if DeclineCode.ACCOUNT_UNKNOWN not in faults:
        payer = account(
            "B-1",
            frozen=DeclineCode.ACCOUNT_FROZEN in faults,
            currency="USD" if DeclineCode.CURRENCY_MISMATCH in faults else "CNY",
        )
        before = before.sharing(payer)
    if DeclineCode.INSUFFICIENT_FUNDS not in faults:
        before = before.with_balance(WALLET, 10_000)
    wish = DECLINE if DeclineCode.RISK_DECLINED in faults else APPROVE

    answer = before.when(wish)

    answer.then(declined(faults[0]))
    assert answer.postings == ()


def test_the_decline_codes_are_checked_in_the_order_of_the_contract() -> None:
    """The order above is the contract's, not an accident of the enumeration."""
    assert [code.value for code in DeclineCode] == [
        "risk_declined",
        "account_unknown",
        "account_frozen",
        "currency_mismatch",
        "insufficient_funds",
    ]


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(
    ("actor", "may"),
    [("buyer:B-1", True), ("buyer:B-2", False), ("seller:B-1", False), ("operator:O-1", False)],
)
def test_only_the_payer_pays(situation: str, actor: str, may: bool) -> None:
    """Nobody spends another's money, and nobody learns which payment ids are taken."""
    answer = given(decider, *SITUATIONS[situation]).by(actor).when(COMMAND)

    assert answer.outcome == (TABLE[situation, COMMAND] if may else "not_allowed")


def test_only_a_conclusion_that_is_awaited_locks_the_wallet() -> None:
    """Repeated answers of risk do not stand in the way of other payments."""
    expected = Needs(facts=("account/B-1",), debits=((WALLET, "CNY"),))

    assert given(decider, REQUESTED).when(APPROVE).needs == expected
    assert given(decider, REQUESTED, CAPTURED).when(APPROVE).needs == NOTHING


def test_a_payment_id_is_taken_whatever_trade_it_was_for() -> None:
    """Payment ids are global: a second trade cannot reuse one."""
    other = replace(COMMAND, trade_id="T-2", payer="B-2")

    assert decider.stream_of(other) == decider.stream_of(COMMAND) == "payment/P-1"
    given(decider, REQUESTED).when(other).then_rejected("payment_exists", payment_id="P-1")
