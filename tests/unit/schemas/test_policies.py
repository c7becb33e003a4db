"""The policy catalogue says what the engine takes as a policy."""

import jsonschema
import pytest

from danbao.contracts.policy import CATALOGUE
from danbao.schemas.currencies import currencies
from danbao.schemas.messages import PUBLIC_COMMANDS
from danbao.schemas.policies import policies

POLICIES = policies()["policies"]


def test_every_policy_is_listed() -> None:
    """An operator finds every deadline, fee, limit and rule in one file."""
    assert set(POLICIES) == set(CATALOGUE)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_defaults_fit_the_schema(name: str) -> None:
    """Who publishes a policy may start from the defaults."""
    policy = POLICIES[name]

    jsonschema.Draft202012Validator.check_schema(policy["schema"])
    jsonschema.Draft202012Validator(policy["schema"]).validate(policy["defaults"])
    assert not jsonschema.Draft202012Validator(policy["schema"]).is_valid({"no_such_field": 1})


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_policy_is_published_by_a_command_that_exists(name: str) -> None:
    """The file says which command changes a policy."""
    assert POLICIES[name]["published_by"] in PUBLIC_COMMANDS


def test_minor_units_are_known_for_the_currencies_of_the_world() -> None:
    """Fen, cents, whole yen: who sends 12345 must know what it means."""
    digits = {code: entry["digits"] for code, entry in currencies()["currencies"].items()}

    assert (digits["CNY"], digits["USD"], digits["JPY"], digits["KWD"]) == (2, 2, 0, 3)
