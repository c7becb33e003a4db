"""Policies: what the defaults are, and what no policy may say."""

from datetime import timedelta

import msgspec
import pytest

from danbao.contracts.policy import (
    CATALOGUE,
    EscrowDeadlines,
    PolicyBody,
    RiskPaymentRules,
    SettlementCutOff,
    SettlementFee,
    service_of,
)


def test_the_defaults_are_those_of_the_contract() -> None:
    """Who publishes nothing gets what the contract promises."""
    deadlines, risk = EscrowDeadlines(), RiskPaymentRules()

    assert deadlines.pay_within_s == 1_800
    assert timedelta(seconds=deadlines.ship_within_s) == timedelta(hours=48)
    assert timedelta(seconds=deadlines.refund_answer_within_s) == timedelta(hours=48)
    assert timedelta(seconds=deadlines.auto_confirm_s) == timedelta(days=10)
    assert SettlementFee().fee_bps == 60
    assert SettlementCutOff() == SettlementCutOff(
        enabled=True, time="00:00", time_zone="Asia/Shanghai"
    )
    assert risk.single_payment_minor_max == 5_000_000
    assert (risk.velocity_payments_max, risk.velocity_window_s) == (30, 3_600)


@pytest.mark.parametrize(
    ("policy", "body"),
    [
        ("escrow.deadlines", {"pay_within_s": 0}),
        ("escrow.deadlines", {"auto_confirm_s": 5_184_001}),
        ("escrow.deadlines", {"pay_within": 60}),
        ("settlement.fee", {"fee_bps": -1}),
        ("settlement.fee", {"fee_bps": 10_001}),
        ("settlement.fee", {"fee_bps": 60.0}),
        ("settlement.cut_off", {"time": "24:00"}),
        ("settlement.cut_off", {"time": "9:00"}),
        ("settlement.cut_off", {"time": "09:00\n"}),
        ("settlement.cut_off", {"time_zone": "Asia/Peking"}),
        ("settlement.cut_off", {"time_zone": "../../etc/passwd"}),
        ("settlement.cut_off", {"time_zone": "Asia"}),
        ("settlement.cut_off", {"time_zone": ""}),
        ("settlement.cut_off", {"time_zone": "UTC\u0000"}),
        ("settlement.cut_off", {"time_zone": "zone.tab"}),
        ("settlement.cut_off", {"enabled": 1}),
        ("risk.payment_rules", {"single_payment_minor_max": 0}),
        ("risk.payment_rules", {"velocity_payments_max": 101}),
        ("risk.payment_rules", {"velocity_payments_max": 0}),
    ],
)
def test_a_body_that_does_not_fit_is_an_error(policy: str, body: dict[str, object]) -> None:
    """A mistake is refused when it is published, not when the first trade meets it."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, CATALOGUE[policy])


@pytest.mark.parametrize("policy", CATALOGUE)
def test_a_policy_belongs_to_the_service_in_its_name(policy: str) -> None:
    """The name says who obeys it; every body has a default for everything."""
    assert service_of(policy) in {"escrow", "settlement", "risk"}
    assert isinstance(msgspec.convert({}, CATALOGUE[policy]), PolicyBody)
