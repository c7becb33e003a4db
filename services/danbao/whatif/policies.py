"""Policies to exchange: read from a file, and put in the place of those that were in force.

A body is complete as one that is published: what it leaves out has its default.  An exchanged
policy keeps the version that was in force, so that only its body makes a difference.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from danbao.contracts.facts import Fact, Facts, PolicyFact, PolicyVersion, policy_key
from danbao.contracts.policy import CATALOGUE, PolicyBody
from danbao.whatif.errors import PolicyFileError

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)

Policies = Mapping[str, PolicyBody]
"""Bodies by name of the policy."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One policy of a file."""

    policy: str
    body: dict[str, object]


_entries = msgspec.json.Decoder(_Entry | list[_Entry])


def read_policies(text: bytes) -> Policies:
    """Read one policy or a list of them.

    Raises:
        PolicyFileError: naming what is wrong.
    """
    try:
        found = _entries.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PolicyFileError(str(error)) from error
    entries = [found] if isinstance(found, _Entry) else found
    if not entries:
        raise PolicyFileError("the list has no policy")
    policies: dict[str, PolicyBody] = {}
    for entry in entries:
        name, kind = entry.policy, CATALOGUE.get(entry.policy)
        if kind is None:
            raise PolicyFileError(
                f"policy {name[:80]!r} is unknown", todo=f"There are {', '.join(CATALOGUE)}."
            )
        if name in policies:
            raise PolicyFileError(f"policy {name} stands there twice")
        try:
            policies[name] = msgspec.convert(entry.body, kind)
        except msgspec.ValidationError as error:
            raise PolicyFileError(f"policy {name}: {error}") from error
    return policies


def asks_exchanged(facts: Mapping[str, Fact | None], policies: Policies) -> bool:
    """Tell whether a decision asks for a policy that is exchanged; no other can differ."""
    return any(policy_key(name) in facts for name in policies)


def exchange(
    facts: Mapping[str, Fact | None], policies: Policies, now: datetime
) -> Mapping[str, Fact | None]:
    """Give the facts of a decision with the policies exchanged that it asks for."""
    changed: dict[str, Fact | None] = dict(facts)
    for name, body in policies.items():
        key = policy_key(name)
        if key not in facts:
            continue
        version, _ = Facts(now=now, shared=facts).policy(name, type(body))
        in_force = PolicyVersion(
            version=version, effective_from=ALWAYS, body=msgspec.structs.asdict(body)
        )
        changed[key] = PolicyFact(versions=(in_force,))
    return changed
