"""Money: whole minor units of one currency, and fees that favour nobody."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from danbao.contracts.money import MINOR_MAX, Amount, Money, check_currency, fee_half_even

grosses = st.integers(0, MINOR_MAX)
rates = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("gross", "fee_bps", "fee"),
    [
        (0, 60, 0),
        (10_000, 60, 60),
        (83, 60, 0),
        (84, 60, 1),
        (250, 60, 2),
        (750, 60, 4),
        (1, 5_000, 0),
        (3, 5_000, 2),
        (5, 5_000, 2),
        (7, 5_000, 4),
        (MINOR_MAX, 10_000, MINOR_MAX),
        (MINOR_MAX, 0, 0),
        (MINOR_MAX - 1, 60, 5_999_999_999_999 + 1),
    ],
)
def test_a_fee_is_rounded_half_to_even(gross: int, fee_bps: int, fee: int) -> None:
    """Halves go to the even neighbour, so that many roundings cancel out."""
    assert fee_half_even(gross, fee_bps) == fee


@settings(deadline=None)
@for_all(grosses, rates)
def test_a_fee_is_what_exact_decimals_give(gross: int, fee_bps: int) -> None:
    """Whole-number arithmetic and the textbook agree to the minor unit."""
    exact = Decimal(gross) * Decimal(fee_bps) / Decimal(10_000)

    assert fee_half_even(gross, fee_bps) == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


@settings(deadline=None)
@for_all(grosses, rates)
def test_a_fee_never_exceeds_the_gross(gross: int, fee_bps: int) -> None:
    """No merchant ever pays for having sold something."""
    assert 0 <= fee_half_even(gross, fee_bps) <= gross


@settings(deadline=None)
@for_all(grosses, rates, st.integers(0, 1_000))
def test_a_larger_trade_never_has_a_smaller_fee(gross: int, fee_bps: int, more: int) -> None:
    """Splitting hairs does not pay."""
    assert fee_half_even(gross, fee_bps) <= fee_half_even(gross + more, fee_bps)


def test_money_of_a_command_equals_the_same_money_in_an_event() -> None:
    """A state made from a command's event equals the one read back from the log."""
    amount, money = Amount(5, "CNY"), Money(5, "CNY")

    assert amount == money
    assert money == amount
    assert hash(amount) == hash(money)
    assert len({amount, money}) == 1
    assert msgspec.json.encode(amount) == msgspec.json.encode(money)


@pytest.mark.parametrize("other", [Money(6, "CNY"), Money(5, "USD"), 5, "5 CNY", None])
def test_money_differs_by_minor_units_and_currency(other: object) -> None:
    """Five fen are not five cents, and not the number five."""
    assert Money(5, "CNY") != other


@pytest.mark.parametrize("code", ["CNY", "USD", "JPY", "KWD", "XAU"])
def test_currencies_of_iso_4217_are_known(code: str) -> None:
    """Yen without minor units and dinars with three places are currencies too."""
    check_currency(code)


@pytest.mark.parametrize("code", ["", "cny", "RMB", "ABC", "CNYX", "CN", "DEM1", "\u0421NY"])
def test_other_codes_are_refused_by_name(code: str) -> None:
    """A typing error does not open a wallet in money that does not exist."""
    with pytest.raises(ValueError, match="is not one of ISO 4217"):
        check_currency(code)
