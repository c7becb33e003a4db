"""No sequence of wishes and waits creates or destroys money, or confuses the fold or the timers."""

from datetime import timedelta

import msgspec
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.escrow.trades import (
    APPLY,
    CANCEL,
    CONFIRM,
    CREATE,
    EXTEND,
    FREEZE,
    PAY,
    SHIP,
    UNFREEZE,
    timers_of,
    trade,
)

from danbao.contracts import escrow as m
from danbao.contracts.authorization import PaymentCaptured
from danbao.contracts.decider import Wish
from danbao.contracts.message import Event
from danbao.escrow.state import PAID, Trade
from danbao.escrow.trade import decider
from danbao.ledger.posting import movements
from danbao.ledger.rules import postings_of
from danbao.testing.builders import cents, fen
from danbao.testing.spec import Given, fold

REFUNDS = ("R-9", "R-1", "R-2")
ANSWERS = (m.AgreeRefund, m.RefuseRefund, m.CancelRefund)
MINOR = st.sampled_from([1, 99, 2_500, 5_000, 7_500, 9_999, 10_000, 10_001])

payments = st.builds(
    lambda minor, payer, foreign: replace(
        PAY, payer=payer, amount=cents(minor) if foreign else fen(minor)
    ),
    st.sampled_from([10_000, 10_000, 10_000, 9_999]),
    st.sampled_from(["B-1", "B-1", "B-1", "B-2"]),
    st.sampled_from([False, False, False, True]),
)
applications = st.builds(
    lambda refund_id, minor: replace(APPLY, refund_id=refund_id, amount=fen(minor)),
    st.sampled_from(REFUNDS),
    MINOR,
)
answers = st.builds(
    lambda command, refund_id: command(trade_id="T-1", refund_id=refund_id),
    st.sampled_from(ANSWERS),
    st.sampled_from(REFUNDS),
)
creations = st.builds(
    lambda span: replace(CREATE, auto_confirm_s=span), st.sampled_from([60, 3_600, 864_000])
)
plain = st.sampled_from([SHIP, SHIP, EXTEND, CONFIRM, CANCEL, FREEZE, UNFREEZE])
timer_names = st.sampled_from(["pay_timeout", "auto_confirm", "auto_agree"])
waits = st.sampled_from([0, 0, 1, 599, 3_600, 86_400, 172_800, 864_000]).map(
    lambda seconds: timedelta(seconds=seconds)
)
steps = st.lists(
    st.tuples(waits, creations | payments | applications | answers | plain | timer_names),
    min_size=6,
    max_size=25,
)
beginnings = st.sampled_from(
    [
        (),
        ((timedelta(0), CREATE),),
        ((timedelta(0), CREATE), (timedelta(0), PAY)),
        ((timedelta(0), CREATE), (timedelta(0), PAY), (timedelta(0), SHIP)),
        ((timedelta(0), CREATE), (timedelta(0), PAY), (timedelta(0), APPLY)),
    ]
)
stories = st.builds(lambda head, tail: [*head, *tail], beginnings, steps)

Step = tuple[timedelta, Wish | str]


class Story:
    """A trade that lives through steps, and the ledger of all that happened."""

    def __init__(self, steps_: list[Step]) -> None:
        self.events: list[Event] = []
        self.balances: dict[tuple[str, str], int] = {}
        self.trade: Given[Trade] = trade()
        for wait, step in steps_:
            self.live(wait, timers_of(self.trade.state)[step] if isinstance(step, str) else step)

    def live(self, wait: timedelta, wish: Wish) -> None:
        if isinstance(wish, m.TakePayment):
            self.post(PaymentCaptured(**msgspec.structs.asdict(wish)))
        answer = self.trade.after(wait).when(wish)
        for event in answer.events:
            self.post(event)
        self.events += [event for event in answer.events if event.stream == "trade/T-1"]
        self.trade = answer.so
        self.check()

    def post(self, event: Event) -> None:
        for account, currency, change in movements(postings_of(event)):
            key = account, currency
            self.balances[key] = self.balances.get(key, 0) + change

    def balance(self, account: str) -> int:
        return self.balances.get((account, "CNY"), 0)

    def check(self) -> None:
        """Hold what must be true after every event."""
        state = self.trade.state
        assert 0 <= state.held <= state.paid
        assert min(state.released, state.refunded) >= 0
        assert state.paid == state.held + state.released + state.refunded
        assert state.paid in {0, state.amount}
        assert state.held == 0 or state.status in PAID
        assert self.balance("R.ESCROW.T-1") == state.held
        assert self.balances.get(("R.ESCROW.T-1", "USD"), 0) == 0
        assert self.balance("R.MPEND.S-1") == state.released
        assert self.balance("R.CUST.B-1.AVAILABLE") == -(state.paid - state.refunded)
        assert self.balance("R.CUST.B-2.AVAILABLE") == 0
        assert sum(self.balances.values()) == 0
        running = {type(each.command) for each in self.trade.timers}
        assert not (running and (state.frozen or state.status.startswith("TRADE_")))
        if state.open_refund is not None:
            assert m.AutoConfirmReceipt not in running


@settings(deadline=None, max_examples=200)
@for_all(stories)
def test_no_sequence_creates_or_destroys_money(story: list[Step]) -> None:
    """Paid is always held, released and refunded together, in the state and in the ledger."""
    Story(story)


@settings(deadline=None, max_examples=60)
@for_all(stories, st.data())
def test_a_fold_that_is_cut_anywhere_gives_the_same_state(
    story: list[Step], data: st.DataObject
) -> None:
    """A state that was kept as JSON and read again goes on as if it had never left memory."""
    lived = Story(story)
    cut = data.draw(st.integers(0, len(lived.events)))

    kept = msgspec.json.encode(fold(decider, lived.events[:cut]))
    after = fold(decider, lived.events[cut:], msgspec.json.decode(kept, type=Trade))

    assert after == fold(decider, lived.events) == lived.trade.state
    assert list(decider.timers(after)) == list(lived.trade.timers)


@settings(deadline=None, max_examples=60)
@for_all(stories)
def test_every_trade_can_be_brought_to_an_end(story: list[Step]) -> None:
    """No mixture of freezes, refunds and timers leaves money that nobody can move."""
    lived = Story(story)
    if lived.trade.state.frozen:
        lived.live(timedelta(0), UNFREEZE)
    if lived.trade.state.status == "WAIT_SELLER_SEND_GOODS":
        lived.live(timedelta(0), SHIP)
    for _ in range(3):
        for deadline in lived.trade.timers[:1]:
            lived.live(max(deadline.due_at - lived.trade.now, timedelta(0)), deadline.command)

    assert lived.trade.state.held == 0
    assert lived.trade.timers == ()


def test_the_stories_reach_every_event_and_every_timer() -> None:
    """A property that never leaves the first states would prove little."""
    seen: set[type] = set()

    @settings(deadline=None, max_examples=300, database=None, derandomize=True)
    @for_all(stories)
    def look(story: list[Step]) -> None:
        lived = Story(story)
        seen.update(type(each.command) for each in lived.trade.timers)
        seen.update(type(event) for event in lived.events)

    look()
    timers = {m.TimeOutPayment, m.AutoConfirmReceipt, m.AutoAgreeRefund}
    assert seen == {*decider.events, *timers}
