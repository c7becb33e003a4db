"""When two builds may be compared."""

import pytest

from danbao.bench.sides import compare


def rounds(*values: float) -> list[dict[str, float]]:
    return [{"trades_per_s": value} for value in values]


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    found = compare(rounds(140, 150, 145), rounds(100, 100, 100), "trades_per_s")

    assert found["ratio"] == pytest.approx(1.45)
    assert found["ratios"] == pytest.approx([1.4, 1.5, 1.45])


@pytest.mark.parametrize("side", [0, 1])
def test_a_ratio_of_sides_that_spread_is_refused(side: int) -> None:
    """A machine that is busy now and idle then says nothing about builds."""
    sides = [rounds(100, 100, 100), rounds(100, 100, 100)]
    sides[side] = rounds(100, 100, 117)

    found = compare(*sides, "trades_per_s")

    assert found["ratio"] is None
    assert "15%" in found["why"]
