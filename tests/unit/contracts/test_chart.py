"""Chart of accounts: codes, sides, and which accounts never fall below zero."""

import pytest

from danbao.contracts import chart


def test_the_codes_are_those_that_auditors_know() -> None:
    """Accounts are named as in the domain's chart, with the id as it is."""
    assert chart.wallet("B-7") == "R.CUST.B-7.AVAILABLE"
    assert chart.escrow("T-1") == "R.ESCROW.T-1"
    assert chart.merchant_pending("S-1") == "R.MPEND.S-1"
    assert chart.merchant_available("S-1") == "R.MAVL.S-1"


@pytest.mark.parametrize(
    ("account", "guarded", "debit_side", "class_"),
    [
        ("R.CB", True, True, "R.CB"),
        ("R.CHRECV", False, True, "R.CHRECV"),
        ("R.CUST.B-7.AVAILABLE", True, False, "R.CUST"),
        ("R.CUST.shop.7.AVAILABLE", True, False, "R.CUST"),
        ("R.ESCROW.T-1", False, False, "R.ESCROW"),
        ("R.MPEND.S-1", True, False, "R.MPEND"),
        ("R.MAVL.S-1", True, False, "R.MAVL"),
        ("R.PAYOUT", False, False, "R.PAYOUT"),
        ("R.DUE_TO_O", False, False, "R.DUE_TO_O"),
        ("O.DUE_FROM_R", False, True, "O.DUE_FROM_R"),
        ("O.INC.FEE", False, False, "O.INC.FEE"),
    ],
)
def test_every_account_has_a_side_a_class_and_a_guard_or_none(
    account: str, guarded: bool, debit_side: bool, class_: str
) -> None:
    """A balance is shown positive on its normal side; guarded ones cannot be overdrawn."""
    assert chart.is_guarded(account) == guarded
    assert chart.is_debit_side(account) == debit_side
    assert chart.class_of(account) == class_
    assert class_ in chart.CLASSES


def test_two_ids_never_share_an_account() -> None:
    """Ids may have dots; one customer's wallet is not another's."""
    ids = ["A", "A.AVAILABLE", "A.B", "A.B.AVAILABLE", "CUST"]

    assert len({chart.wallet(each) for each in ids}) == len(ids)
