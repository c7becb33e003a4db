"""Actors: which party a command speaks for."""

import pytest

from danbao.contracts.actor import is_actor, refuse_actor
from danbao.contracts.rejection import Rejected, RejectionCode


@pytest.mark.parametrize("text", ["buyer:B-1", "seller:a", "operator:x:y", "buyer:" + "x" * 64])
def test_an_actor_is_a_role_and_an_id(text: str) -> None:
    """Three roles, and ids as everywhere."""
    assert is_actor(text)


@pytest.mark.parametrize(
    "text",
    ["", "buyer", "buyer:", "Buyer:B", "admin:B", "buyer:" + "x" * 65, "buyer:a b", "buyer:B\n"],
)
def test_anything_else_is_no_actor(text: str) -> None:
    """What cannot be read cannot be allowed."""
    assert not is_actor(text)


def test_without_an_actor_nobody_is_refused() -> None:
    """Then the producer is a trusted upstream system, which Kafka's ACLs decide."""
    assert refuse_actor(None, "buyer", "B-1") is None


@pytest.mark.parametrize(
    ("actor", "role", "party", "allowed"),
    [
        ("buyer:B-1", "buyer", "B-1", True),
        ("buyer:B-2", "buyer", "B-1", False),
        ("seller:B-1", "buyer", "B-1", False),
        ("operator:O-1", "operator", None, True),
        ("buyer:O-1", "operator", None, False),
        ("buyer:a:b", "buyer", "a:b", True),
        ("buyer:a:b", "buyer", "a", False),
    ],
)
def test_role_and_party_must_both_fit(
    actor: str, role: str, party: str | None, allowed: bool
) -> None:
    """An operator is any operator; a buyer is the one that the trade names."""
    expected = Rejected(RejectionCode.NOT_ALLOWED, {"actor": actor, "allowed": role})

    assert refuse_actor(actor, role, party) == (None if allowed else expected)
