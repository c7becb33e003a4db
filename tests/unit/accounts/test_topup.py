"""What a top-up promises: money is credited once, when the channel has it, or never."""

from itertools import chain, combinations

import pytest
from msgspec.structs import replace

from danbao.accounts.topup import decider
from danbao.contracts import accounts as m
from danbao.contracts.decider import NOTHING, Needs, Wish
from danbao.contracts.message import Event
from danbao.ledger.posting import Posting
from danbao.testing.builders import account, cents, fen
from danbao.testing.spec import given

COMMAND = m.TopUp(top_up_id="U-1", account_id="A-1", amount=fen(10_000), bank_card="card_ok_1")
PAID = m.ConcludeTopUp(top_up_id="U-1")
FAILED = m.ConcludeTopUp(top_up_id="U-1", reason="card_declined")

REQUESTED = m.TopUpRequested(
    top_up_id="U-1", account_id="A-1", amount=fen(10_000), bank_card="card_ok_1"
)
SETTLED = m.TopUpSettled(top_up_id="U-1", account_id="A-1", amount=fen(10_000))
DECLINED = m.TopUpFailed(
    top_up_id="U-1", account_id="A-1", amount=fen(10_000), reason="card_declined"
)

SITUATIONS: dict[str, tuple[Event, ...]] = {
    "unknown": (),
    "requested": (REQUESTED,),
    "settled": (REQUESTED, SETTLED),
    "failed": (REQUESTED, DECLINED),
}
TABLE: dict[tuple[str, Wish], str] = {
    ("unknown", COMMAND): "TopUpRequested",
    ("unknown", PAID): "nothing",
    ("unknown", FAILED): "nothing",
    ("requested", COMMAND): "top_up_exists",
    ("requested", PAID): "TopUpSettled",
    ("requested", FAILED): "TopUpFailed",
    ("settled", COMMAND): "top_up_exists",
    ("settled", PAID): "nothing",
    ("settled", FAILED): "nothing",
    ("failed", COMMAND): "top_up_exists",
    ("failed", PAID): "nothing",
    ("failed", FAILED): "nothing",
}


@pytest.mark.parametrize(("situation", "wish"), TABLE)
def test_every_wish_in_every_situation_has_the_outcome_of_the_table(
    situation: str, wish: Wish
) -> None:
    """However often the channel answers, its first answer counts."""
    before = given(decider, *SITUATIONS[situation]).sharing(account("A-1"))

    assert before.when(wish).outcome == TABLE[situation, wish]


def test_a_top_up_moves_money_only_when_the_channel_has_it() -> None:
    """A customer never spends money that a card did not give."""
    asked = given(decider).sharing(account("A-1")).when(COMMAND)

    assert asked.postings == ()
    assert asked.then(REQUESTED).when(PAID).postings == (
        Posting("R.CHRECV", "R.CUST.A-1.AVAILABLE", 10_000, "CNY"),
    )
    asked.so.when(PAID).then(SETTLED)
    assert asked.so.when(FAILED).postings == ()
    asked.so.when(FAILED).then(DECLINED)


def test_a_freeze_between_request_and_answer_does_not_lose_the_money() -> None:
    """The card was charged: the wallet is credited, frozen or not."""
    before = given(decider, REQUESTED).sharing(account("A-1", frozen=True))

    before.when(PAID).then(SETTLED)


FAULTS = ("account_unknown", "top_up_exists", "account_frozen", "currency_mismatch")
SUBSETS = list(chain.from_iterable(combinations(FAULTS, size) for size in range(1, 5)))


@pytest.mark.parametrize("faults", SUBSETS)
def test_the_first_fault_of_a_top_up_is_named(faults: tuple[str, ...]) -> None:
    """The order of the contract holds in every mixture of faults."""
    before = given(decider, *SITUATIONS["settled" if "top_up_exists" in faults else "unknown"])
    if "account_unknown" not in faults:
        before = before.sharing(account("A-1", frozen="account_frozen" in faults))
    amount = cents(1) if "currency_mismatch" in faults else fen(1)

    before.when(replace(COMMAND, amount=amount)).then_rejected(faults[0])


@pytest.mark.parametrize("actor", ["buyer:A-9", "seller:A-9", "operator:O-1", None])
def test_anyone_may_top_up_an_account(actor: str | None) -> None:
    """Money for somebody else is welcome."""
    before = given(decider).sharing(account("A-1"))

    before.by(actor).when(COMMAND).then(REQUESTED)


def test_a_top_up_asks_about_its_account_only_when_it_is_requested() -> None:
    """The answer of the channel needs no lock on the account."""
    assert given(decider).when(COMMAND).needs == Needs(facts=("account/A-1",))
    assert given(decider, REQUESTED).when(PAID).needs == NOTHING
