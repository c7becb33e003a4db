"""The state pages come from the deciders: nothing is left out, and nothing made up."""

import pytest

from danbao.contracts.message import snake_case
from danbao.schemas.states.explore import Exploration
from danbao.schemas.states.machine import Machine
from danbao.schemas.states.machines import DRAWN, explored
from danbao.schemas.states.page import page

PAGES = [pytest.param(machine, id=machine.decider.category) for machine in DRAWN]


def exploration_of(category: str) -> Exploration:
    return next(each for each in explored() if each.machine.decider.category == category)


def test_every_state_of_a_trade_is_found() -> None:
    """Five statuses, and every mix of flags that can come about."""
    found = [label.text for label in exploration_of("trade").labels]

    assert sorted(found) == [
        "TRADE_CLOSED",
        "TRADE_SUCCESS",
        "WAIT_BUYER_CONFIRM_GOODS",
        "WAIT_BUYER_CONFIRM_GOODS, extended",
        "WAIT_BUYER_CONFIRM_GOODS, frozen",
        "WAIT_BUYER_CONFIRM_GOODS, frozen, extended",
        "WAIT_BUYER_CONFIRM_GOODS, frozen, refund open",
        "WAIT_BUYER_CONFIRM_GOODS, frozen, refund open, extended",
        "WAIT_BUYER_CONFIRM_GOODS, refund open",
        "WAIT_BUYER_CONFIRM_GOODS, refund open, extended",
        "WAIT_BUYER_PAY",
        "WAIT_BUYER_PAY, frozen",
        "WAIT_SELLER_SEND_GOODS",
        "WAIT_SELLER_SEND_GOODS, frozen",
        "WAIT_SELLER_SEND_GOODS, frozen, refund open",
        "WAIT_SELLER_SEND_GOODS, refund open",
        "none",
    ]


@pytest.mark.parametrize("machine", PAGES)
def test_every_wish_is_tried_in_every_state(machine: Machine) -> None:
    """A cell of the table is an answer that was given, never a guess."""
    exploration = exploration_of(machine.decider.category)
    tried = {(step.source, type(step.wish)) for step in exploration.steps if not step.situation}

    expected = {(label, wish) for label in exploration.labels for wish in machine.decider.commands}
    assert expected <= tried


@pytest.mark.parametrize("machine", PAGES)
def test_every_event_of_the_stream_comes_about(machine: Machine) -> None:
    """An event that no wish causes would be missing from its page."""
    exploration = exploration_of(machine.decider.category)
    caused = {type(event) for step in exploration.steps for event in step.events}

    assert set(machine.decider.events) <= caused


@pytest.mark.parametrize("machine", PAGES)
def test_a_page_names_every_wish_and_event(machine: Machine) -> None:
    """Who looks for a message finds it on the page of its stream."""
    text = page(machine)

    for message in (*machine.decider.commands, *machine.decider.events):
        assert snake_case(message.__name__) in text, message.__name__


@pytest.mark.parametrize("category", ["trade", "merchant", "order"])
def test_a_timer_that_is_not_expected_does_nothing(category: str) -> None:
    """A deadline that was put off or has passed leaves no event, in any state."""
    exploration = exploration_of(category)
    stale = exploration.machine.stale_timers
    over = [step for step in exploration.steps if step.wish in stale and not step.events]

    assert over
    assert all(step.refusal is None and not step.postponed for step in over)


def test_refusals_change_nothing() -> None:
    """A refused wish leaves the state it found."""
    for exploration in explored():
        for step in exploration.steps:
            if step.refusal is not None:
                assert step.source == step.target
                assert not step.events
