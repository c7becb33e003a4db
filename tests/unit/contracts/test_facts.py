"""Facts: what a decision may use of others, and nothing that it did not ask for."""

from datetime import datetime, timedelta

import pytest

from danbao.contracts.facts import (
    FACT_TYPES,
    Facts,
    PolicyFact,
    PolicyVersion,
    account_key,
    list_key,
    policy_key,
)
from danbao.contracts.policy import SettlementFee
from danbao.testing.builders import START, account, listed

DAY = timedelta(days=1)
KEY = policy_key("settlement.fee")


def version(number: int, effective_from: datetime) -> PolicyVersion:
    """A fee of as many basis points as its version."""
    return PolicyVersion(version=number, effective_from=effective_from, body={"fee_bps": number})


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START - DAY, 0),
        (START, 1),
        (START + DAY, 2),
        (START + 2 * DAY, 4),
        (START + 4 * DAY, 4),
    ],
)
def test_in_force_is_the_highest_version_whose_time_has_come(now: datetime, expected: int) -> None:
    """A later version wins, even over an earlier one that starts after it; 0 is the default."""
    versions = (
        version(1, START),
        version(2, START + DAY),
        version(3, START + 3 * DAY),
        version(4, START + 2 * DAY),
    )
    facts = Facts(now=now, shared={KEY: PolicyFact(versions=versions)})

    number, body = facts.policy("settlement.fee", SettlementFee)

    assert (number, body.fee_bps) == (expected, expected or 60)


def test_without_a_published_version_the_default_is_in_force() -> None:
    """An engine that was just started has rules."""
    facts = Facts(now=START, shared={KEY: None})

    assert facts.policy("settlement.fee", SettlementFee) == (0, SettlementFee())


def test_what_was_not_asked_for_is_an_error_and_not_an_absence() -> None:
    """A decision on what was not locked would be a race that no test finds."""
    facts = Facts(now=START)

    for ask in (
        lambda: facts.account("A-1"),
        lambda: facts.is_listed("ip", "::1"),
        lambda: facts.policy("settlement.fee", SettlementFee),
        lambda: facts.balance("R.CUST.A-1.AVAILABLE", "CNY"),
    ):
        with pytest.raises(KeyError):
            ask()


def test_what_was_asked_for_and_is_not_there_is_an_absence() -> None:
    """An unknown account is a fact too."""
    facts = Facts(now=START, shared={account_key("A-1"): None, list_key("ip", "::1"): None})

    assert facts.account("A-1") is None
    assert not facts.is_listed("ip", "::1")


def test_what_is_shared_is_found_under_the_key_of_its_stream() -> None:
    """The owner writes it, others read it: one key."""
    opened, entry = account("A-1", frozen=True), listed("ip", "::1")
    facts = Facts(now=START, shared={opened.key: opened.fact, entry.key: entry.fact})

    assert facts.account("A-1") == opened.fact
    assert facts.is_listed("ip", "::1")
    assert {key.split("/")[0] for key in (opened.key, entry.key, KEY)} == set(FACT_TYPES)
