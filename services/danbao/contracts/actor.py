"""Actors: which party a command speaks for, and what that party may ask.

An absent actor means a trusted upstream system.  Opening accounts, top-ups, trades, payout banks
and payouts may come from anyone; every other command names the party that may send it.
"""

import re

from danbao.contracts.rejection import Rejected, RejectionCode

_ACTOR = re.compile(r"(buyer|seller|operator):[A-Za-z0-9._:-]{1,64}")


def is_actor(text: str) -> bool:
    """Tell whether a text is `buyer:<id>`, `seller:<id>` or `operator:<id>`."""
    return _ACTOR.fullmatch(text) is not None


def refuse_actor(actor: str | None, role: str, party: str | None = None) -> Rejected | None:
    """Refuse an actor who is not in the role, or not the party when one is given."""
    if actor is None:
        return None
    kind, _, name = actor.partition(":")
    if kind == role and (party is None or name == party):
        return None
    return Rejected(RejectionCode.NOT_ALLOWED, {"actor": actor, "allowed": role})
