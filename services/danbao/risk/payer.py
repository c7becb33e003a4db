"""Payer profile: assesses each payment by rules that are data, and remembers it for velocity.

Every input of a verdict is written into its event (`features`), so that a replay gives the same
verdict to the byte.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from danbao.contracts import risk as m
from danbao.contracts.decider import Decider, Decision, Needs, Wish
from danbao.contracts.facts import Facts, list_key, policy_key
from danbao.contracts.policy import VELOCITY_PAYMENTS_MAX, RiskPaymentRules

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
POLICY = "risk.payment_rules"
RULES = policy_key(POLICY)
REMEMBERED_MAX = VELOCITY_PAYMENTS_MAX
"""Payments remembered a payer; no velocity rule can count further."""


class Payer(msgspec.Struct, frozen=True, omit_defaults=True):
    """When the payer's latest payments were requested, in microseconds since 1970."""

    requested_us: tuple[int, ...] = ()


def decide(wish: m.AssessPayment, payer: Payer, facts: Facts) -> Decision:
    """Say whether one payment is too risky, and why."""
    version, rules = facts.policy(POLICY, RiskPaymentRules)
    listed = tuple([kind for kind, value in _entries(wish) if facts.is_listed(kind, value)])
    since = _micros(wish.requested_at) - rules.velocity_window_s * 1_000_000
    in_window = 1 + len([at for at in payer.requested_us if at > since])
    reasons: list[m.Reason] = []
    if wish.amount.minor > rules.single_payment_minor_max:
        reasons.append("amount_over_limit")
    if listed:
        reasons.append("listed")
    if in_window > rules.velocity_payments_max:
        reasons.append("velocity_payer")
    assessed = m.PaymentAssessed(
        payment_id=wish.payment_id,
        payer=wish.payer,
        decision="decline" if reasons else "approve",
        score=100 if reasons else 0,
        reasons=tuple(reasons),
        rules_version=version,
        features=m.Features(
            amount=wish.amount,
            requested_at=wish.requested_at,
            listed=listed,
            payments_in_window=in_window,
        ),
    )
    return [assessed]


def needs(wish: Wish, _payer: Payer) -> Needs:
    """An assessment asks the block list about payer, device and address, and the rules."""
    assert isinstance(wish, m.AssessPayment)
    keys = [list_key(kind, value) for kind, value in _entries(wish)]
    return Needs(facts=(RULES, *keys))


def evolve(payer: Payer, event: m.PaymentAssessed) -> Payer:
    """Remember the payment, and forget the oldest beyond what any rule can count."""
    at = _micros(event.features.requested_at)
    return Payer((*payer.requested_us, at)[-REMEMBERED_MAX:])


def _micros(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _entries(wish: m.AssessPayment) -> list[tuple[str, str]]:
    """What the block list is asked about, as (kind, value)."""
    entries = [("account", wish.payer)]
    if wish.device_id is not None:
        entries.append(("device", wish.device_id))
    if wish.ip is not None:
        entries.append(("ip", wish.ip))
    return entries


decider = Decider(
    category="payer",
    initial=Payer(),
    decide=decide,
    evolve=evolve,
    needs=needs,
    stream_of=lambda wish: f"payer/{wish.payer}",
    commands=(m.AssessPayment,),
    events=(m.PaymentAssessed,),
)
