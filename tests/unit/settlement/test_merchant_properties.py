"""No sequence of credits, closes and payouts creates or destroys a merchant's money."""

from datetime import timedelta

import msgspec
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.settlement.merchants import (
    ASK,
    AVAILABLE,
    BANK,
    CLOSE,
    CREDIT,
    CUT_OFF,
    PENDING,
    WITH_BANK,
    WITHOUT_BANK,
)

from danbao.contracts import settlement as m
from danbao.contracts.decider import Wish
from danbao.contracts.escrow import TradeReleased
from danbao.contracts.message import Event
from danbao.contracts.policy import SettlementFee
from danbao.ledger.posting import movements
from danbao.ledger.rules import postings_of
from danbao.settlement.merchant import decider
from danbao.settlement.state import Merchant
from danbao.testing.builders import Shared, fen, policy
from danbao.testing.spec import Given, fold, given

amounts = st.sampled_from([1, 83, 84, 250, 9_999, 10_000, 10**15])
credits_ = amounts.map(lambda minor: replace(CREDIT, amount=fen(minor)))
requests = st.none() | amounts.map(fen)
asks = requests.map(lambda amount: replace(ASK, amount=amount))
cut_offs = st.integers(0, 3).map(lambda number: replace(CUT_OFF, generation=number))
answers = st.tuples(st.integers(0, 3), st.sampled_from([None, "bank_account_closed"]))
settings_ = st.sampled_from([WITH_BANK, WITH_BANK, WITHOUT_BANK])
waits = st.sampled_from([0, 1, 40_000, 86_400]).map(lambda seconds: timedelta(seconds=seconds))
steps = st.lists(
    st.tuples(
        waits,
        settings_,
        credits_ | st.just(CLOSE) | st.just(CLOSE) | cut_offs | asks | answers | answers,
    ),
    min_size=6,
    max_size=25,
)
fees = st.sampled_from([0, 1, 60, 9_999, 10_000])

Step = tuple[timedelta, Shared, Wish | tuple[int, str | None]]


class Story:
    """A merchant that lives through steps, and the ledger of all that happened."""

    def __init__(self, steps_: list[Step], fee_bps: int) -> None:
        self.events: list[Event] = []
        self.payouts: list[m.PayoutRequested] = []
        self.balances: dict[str, int] = {}
        rules = policy("settlement.fee", SettlementFee(fee_bps=fee_bps))
        self.merchant: Given[Merchant] = given(decider).sharing(rules)
        for wait, shared, step in steps_:
            self.merchant = self.merchant.after(wait).sharing(shared)
            wish = self.answer(*step) if isinstance(step, tuple) else step
            if wish is not None:
                self.live(wish)

    def answer(self, number: int, reason: str | None) -> m.ConcludePayout | None:
        """The channel's answer about one of the payouts so far, perhaps an old one."""
        if not self.payouts:
            return None
        payout = self.payouts[-1 - number % len(self.payouts)]
        return m.ConcludePayout(
            payout_id=payout.payout_id, merchant="S-1", amount=payout.amount, reason=reason
        )

    def live(self, wish: Wish) -> None:
        if isinstance(wish, m.RecordCredit):
            self.post(TradeReleased(trade_id="T", seller="S-1", amount=wish.amount, cause="buyer"))
        known = self.merchant.with_balance(AVAILABLE, self.balance(AVAILABLE))
        known = known.with_balance(PENDING, self.balance(PENDING)).with_balance(BANK, 10**17)
        answer = known.when(wish)
        for event in answer.events:
            self.post(event)
            self.events.append(event)
            if isinstance(event, m.PayoutRequested):
                self.payouts.append(event)
        self.merchant = answer.so
        self.check()

    def post(self, event: Event) -> None:
        for account, _, change in movements(postings_of(event)):
            self.balances[account] = self.balances.get(account, 0) + change

    def balance(self, account: str) -> int:
        return self.balances.get(account, 0)

    def check(self) -> None:
        """Hold what must be true after every event."""
        state = self.merchant.state
        window = state.window("CNY")
        assert self.balance(PENDING) == window.gross
        assert 0 <= window.fee <= window.gross
        released, paid_out = -self.balance("R.ESCROW.T"), -self.balance(BANK)
        assert self.balance(AVAILABLE) >= 0
        on_their_way = [each for each in self.payouts if each.payout_id in state.open_payouts]
        assert self.balance("R.PAYOUT") == sum(each.amount.minor for each in on_their_way)
        fees_ = self.balance("R.DUE_TO_O")
        kept = self.balance(PENDING) + self.balance(AVAILABLE) + self.balance("R.PAYOUT")
        assert released == kept + fees_ + paid_out
        assert fees_ == self.balance("O.DUE_FROM_R") == self.balance("O.INC.FEE")
        assert state.version == len(self.events)
        assert len({each.payout_id for each in self.payouts}) == len(self.payouts)


def windows(events: list[Event]) -> list[m.WindowClosed]:
    """The windows that were closed."""
    return [event for event in events if isinstance(event, m.WindowClosed)]


@settings(deadline=None, max_examples=200)
@for_all(steps, fees)
def test_no_sequence_creates_or_destroys_money(story: list[Step], fee: int) -> None:
    """What is pending, available, on its way, paid out and our fee is what was released."""
    Story(story, fee)


@settings(deadline=None, max_examples=100)
@for_all(steps, fees)
def test_every_window_is_the_sum_of_the_credits_it_names(story: list[Step], fee: int) -> None:
    """A merchant's statement can be re-added from the stream, version by version."""
    events = Story(story, fee).events

    for closed in windows(events):
        counted = [
            event
            for event in events[closed.first_version - 1 : closed.last_version]
            if isinstance(event, m.CreditRecorded)
        ]
        assert {event.window_id for event in counted} == {closed.window_id}
        assert closed.count == len(counted)
        assert closed.gross.minor == sum(event.gross.minor for event in counted)
        assert closed.fee.minor == sum(event.fee.minor for event in counted)
        assert closed.net.minor == sum(event.net.minor for event in counted)
    assert len({closed.window_id for closed in windows(events)}) == len(windows(events))


@settings(deadline=None, max_examples=60)
@for_all(steps, fees, st.data())
def test_a_fold_that_is_cut_anywhere_gives_the_same_state(
    story: list[Step], fee: int, data: st.DataObject
) -> None:
    """A state that was kept as JSON and read again goes on as if it had never left memory."""
    lived = Story(story, fee)
    cut = data.draw(st.integers(0, len(lived.events)))

    kept = msgspec.json.encode(fold(decider, lived.events[:cut]))
    after = fold(decider, lived.events[cut:], msgspec.json.decode(kept, type=Merchant))

    assert after == fold(decider, lived.events) == lived.merchant.state
    assert list(decider.timers(after)) == list(lived.merchant.timers)


def test_the_stories_reach_every_event() -> None:
    """A property that never closes a window would prove little."""
    seen: set[type] = set()

    @settings(deadline=None, max_examples=200, database=None, derandomize=True)
    @for_all(steps, fees)
    def look(story: list[Step], fee: int) -> None:
        seen.update(type(event) for event in Story(story, fee).events)

    look()
    assert seen == set(decider.events)
