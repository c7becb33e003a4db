"""What an account promises: opened once, frozen and thawed by operators, paid out to its bank."""

import pytest

from danbao.accounts.account import decider
from danbao.contracts import accounts as m
from danbao.contracts.decider import Wish
from danbao.contracts.facts import AccountFact
from danbao.contracts.message import Event
from danbao.testing.spec import given

OPEN = m.OpenAccount(account_id="A-1", kind="merchant", currency="CNY", payout_bank="bank_ok_1")
FREEZE = m.FreezeAccount(account_id="A-1", reason="court order 7")
UNFREEZE = m.UnfreezeAccount(account_id="A-1", reason="court order 8")
SET_BANK = m.SetPayoutBank(account_id="A-1", payout_bank="bank_ok_2")

OPENED = m.AccountOpened(account_id="A-1", kind="merchant", currency="CNY", payout_bank="bank_ok_1")
FROZEN = m.AccountFrozen(account_id="A-1", reason="court order 7")
UNFROZEN = m.AccountUnfrozen(account_id="A-1", reason="court order 8")
BANK_SET = m.PayoutBankSet(account_id="A-1", payout_bank="bank_ok_2")

SITUATIONS: dict[str, tuple[Event, ...]] = {
    "unknown": (),
    "open": (OPENED,),
    "frozen": (OPENED, FROZEN),
    "thawed": (OPENED, FROZEN, UNFROZEN),
}
COMMANDS: dict[str, Wish] = {
    "open": OPEN,
    "freeze": FREEZE,
    "unfreeze": UNFREEZE,
    "set bank": SET_BANK,
}
TABLE = {
    ("unknown", "open"): "AccountOpened",
    ("unknown", "freeze"): "account_unknown",
    ("unknown", "unfreeze"): "account_unknown",
    ("unknown", "set bank"): "account_unknown",
    ("open", "open"): "account_exists",
    ("open", "freeze"): "AccountFrozen",
    ("open", "unfreeze"): "not_frozen",
    ("open", "set bank"): "PayoutBankSet",
    ("frozen", "open"): "account_exists",
    ("frozen", "freeze"): "already_frozen",
    ("frozen", "unfreeze"): "AccountUnfrozen",
    ("frozen", "set bank"): "PayoutBankSet",
    ("thawed", "open"): "account_exists",
    ("thawed", "freeze"): "AccountFrozen",
    ("thawed", "unfreeze"): "not_frozen",
    ("thawed", "set bank"): "PayoutBankSet",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_command_in_every_situation_has_the_outcome_of_the_table(
    situation: str, command: str
) -> None:
    """Whoever sends a command can look up beforehand what the answer will be."""
    answer = given(decider, *SITUATIONS[situation]).when(COMMANDS[command])

    assert answer.outcome == TABLE[situation, command]


def test_the_events_say_what_the_commands_said() -> None:
    """Nothing that was sent is lost on the way into the log."""
    given(decider).when(OPEN).then(OPENED).when(FREEZE).then(FROZEN).when(SET_BANK).then(
        BANK_SET
    ).when(UNFREEZE).then(UNFROZEN)


def test_a_person_has_a_tier_and_an_owner_that_is_a_token() -> None:
    """All fields of the contract arrive; a name is nowhere."""
    command = m.OpenAccount(
        account_id="A-1", kind="personal", currency="USD", tier="II", owner="tok_77"
    )

    given(decider).when(command).then(
        m.AccountOpened(
            account_id="A-1", kind="personal", currency="USD", tier="II", owner="tok_77"
        )
    )


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("command", ["freeze", "unfreeze"])
@pytest.mark.parametrize("actor", ["buyer:A-1", "seller:A-1", "operator:O-1"])
def test_only_operators_freeze_and_thaw(situation: str, command: str, actor: str) -> None:
    """Nobody thaws an account of their own, and nobody learns by asking whether it exists."""
    answer = given(decider, *SITUATIONS[situation]).by(actor).when(COMMANDS[command])

    may = actor.startswith("operator:")
    assert answer.outcome == (TABLE[situation, command] if may else "not_allowed")


@pytest.mark.parametrize("command", ["open", "set bank"])
@pytest.mark.parametrize("actor", ["buyer:A-9", "seller:A-9", "operator:O-1"])
def test_anyone_may_open_an_account_and_name_its_bank(command: str, actor: str) -> None:
    """The contract lists both as open to anyone."""
    before = given(decider, *SITUATIONS["unknown" if command == "open" else "open"])

    assert before.by(actor).when(COMMANDS[command]).events


def test_other_services_may_ask_what_they_need_to_decide() -> None:
    """Kind, currency, freeze and payout bank, as of the last event; nothing of a stranger."""
    stream = OPENED.stream
    frozen = given(decider, OPENED, FROZEN, BANK_SET).state

    assert stream == "account/A-1"
    assert decider.share(stream, given(decider).state) == {}
    assert decider.share(stream, frozen) == {
        stream: AccountFact(kind="merchant", currency="CNY", frozen=True, payout_bank="bank_ok_2")
    }


def test_freezing_moves_no_money() -> None:
    """A freeze is not a seizure."""
    for command, events in ((FREEZE, (OPENED,)), (UNFREEZE, (OPENED, FROZEN))):
        assert given(decider, *events).when(command).postings == ()
