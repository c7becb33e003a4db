"""Policy files: what they may say, and what is said about those that are broken."""

import pytest

from danbao.contracts.policy import RiskPaymentRules, SettlementFee
from danbao.whatif.errors import PolicyFileError
from danbao.whatif.policies import read_policies


def test_one_policy_or_several_are_read() -> None:
    """What a body leaves out has its default, as when it is published."""
    one = read_policies(b'{"policy": "settlement.fee", "body": {"fee_bps": 80}}')
    two = read_policies(
        b'[{"policy": "settlement.fee", "body": {}},'
        b' {"policy": "risk.payment_rules", "body": {"velocity_payments_max": 5}}]'
    )

    assert one == {"settlement.fee": SettlementFee(fee_bps=80)}
    assert two == {
        "settlement.fee": SettlementFee(),
        "risk.payment_rules": RiskPaymentRules(velocity_payments_max=5),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "truncated"),
        (b"fee_bps: 80", "malformed"),
        (b"\xff\xfe", ""),
        (b"[]", "no policy"),
        (b'{"policy": "settlement.fee"}', "body"),
        (b'{"policy": "settlement.fee", "body": {}, "from": 1}', "from"),
        (b'{"policy": "settlement.fees", "body": {}}', "'settlement.fees' is unknown"),
        (b'{"policy": "settlement.fee", "body": {"fee": 1}}', "unknown field `fee`"),
        (b'{"policy": "settlement.fee", "body": {"fee_bps": 10001}}', "<= 10000"),
        (b'{"policy": "settlement.cut_off", "body": {"time_zone": "Mars"}}', "Mars"),
        (
            b'[{"policy": "settlement.fee", "body": {}}, {"policy": "settlement.fee", "body": {}}]',
            "twice",
        ),
    ],
)
def test_a_broken_file_is_named_with_its_fault(text: bytes, problem: str) -> None:
    """A typing error must not be answered with figures."""
    with pytest.raises(PolicyFileError) as caught:
        read_policies(text)

    assert problem in str(caught.value)
    assert caught.value.todo
