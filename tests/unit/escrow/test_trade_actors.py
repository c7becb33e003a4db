"""Who may do what to a trade: buyers, sellers and operators, each only what is theirs."""

import pytest
from msgspec.structs import replace
from tests.unit.escrow.trades import COMMANDS, CREATE, SELLER, SITUATIONS, trade

from danbao.escrow.trade import PartyCommand, decider
from danbao.testing.spec import given

PARTY = {
    "extend": "buyer:B-1",
    "confirm": "buyer:B-1",
    "cancel": "buyer:B-1",
    "apply": "buyer:B-1",
    "withdraw": "buyer:B-1",
    "ship": "seller:S-1",
    "agree": "seller:S-1",
    "refuse": "seller:S-1",
    "freeze": "operator:O-1",
    "unfreeze": "operator:O-1",
}
ACTORS = ("buyer:B-1", "buyer:B-2", "seller:S-1", "seller:S-2", "operator:O-1", "seller:B-1")


def may(wish: str, actor: str) -> bool:
    """Any operator will do; a buyer or seller must be the trade's."""
    return actor == PARTY[wish]


@pytest.mark.parametrize("wish", PARTY)
def test_only_the_party_itself_may_send_its_commands(wish: str) -> None:
    """Nobody confirms, refunds or freezes in another's name, whatever state the trade is in."""
    for situation, events in SITUATIONS.items():
        if situation == "unknown":
            continue
        for actor in ACTORS:
            answer = trade(*events).by(actor).when(COMMANDS[wish])

            assert (answer.outcome == "not_allowed") == (not may(wish, actor)), situation


@pytest.mark.parametrize("wish", PARTY)
def test_the_right_party_gets_the_answer_that_a_trusted_upstream_gets(wish: str) -> None:
    """An actor limits who may ask; it never changes what happens."""
    for events in SITUATIONS.values():
        alone = trade(*events).when(COMMANDS[wish])

        assert trade(*events).by(PARTY[wish]).when(COMMANDS[wish]).decision == alone.decision


@pytest.mark.parametrize("wish", PARTY)
@pytest.mark.parametrize("actor", ACTORS)
def test_of_an_unknown_trade_every_actor_hears_that_it_is_unknown(wish: str, actor: str) -> None:
    """Whose trade it is cannot be told when there is none."""
    trade().by(actor).when(COMMANDS[wish]).then_rejected("trade_unknown", trade_id="T-1")


@pytest.mark.parametrize("wish", ["freeze", "unfreeze"])
def test_any_operator_may_freeze(wish: str) -> None:
    """Operators work in shifts."""
    before = trade(*SITUATIONS["paid" if wish == "freeze" else "paid frozen"])

    assert before.by("operator:night.shift:2").when(COMMANDS[wish]).events


@pytest.mark.parametrize("actor", [*ACTORS, None])
def test_anyone_may_create_a_trade(actor: str | None) -> None:
    """Shops create trades for their buyers."""
    assert trade().by(actor).when(CREATE).outcome == "TradeCreated"


def test_a_refusal_of_an_actor_says_who_is_allowed() -> None:
    """A client with the wrong account finds out at once."""
    before = trade(*SITUATIONS["sent"]).by("buyer:B-2")

    before.when(COMMANDS["confirm"]).then_rejected(
        "not_allowed", actor="buyer:B-2", allowed="buyer"
    )


def test_a_name_with_colons_is_read_whole() -> None:
    """Ids may have colons: `buyer:shop:7` is the buyer `shop:7`, not `shop`."""
    buyer = replace(CREATE, buyer="shop:7")
    before = given(decider).sharing(SELLER).when(buyer).so

    before.by("buyer:shop").when(COMMANDS["cancel"]).then_rejected("not_allowed")
    assert before.by("buyer:shop:7").when(COMMANDS["cancel"]).outcome == "TradeClosed"


def test_every_party_command_has_its_party() -> None:
    """A command that is added must say whose it is."""
    named = {type(COMMANDS[wish]) for wish in PARTY}

    assert named == set(PartyCommand.__args__)
