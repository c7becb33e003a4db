"""Moments as people write them."""

from datetime import UTC, date, datetime

import pytest

from danbao.analysis.moments import Span, parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1200", 1200),
        ("2026-01-05", date(2026, 1, 5)),
        ("2026-01-05T12:00:00Z", datetime(2026, 1, 5, 12, tzinfo=UTC)),
        ("2026-01-05T12:00:00", datetime(2026, 1, 5, 12, tzinfo=UTC)),
        ("2026-01-05 20:00+08:00", datetime(2026, 1, 5, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_position_a_date_or_a_time(text: str, moment: object) -> None:
    """An accountant has a date, an operator a time, a program a position."""
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "-1", "1.5", "yesterday", "2026-13-01", "2026-02-30", "٣"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    """A wrong moment must never become "now"."""
    with pytest.raises(ValueError, match="2026-01-05T12:00:00Z"):
        parse_moment(text)


def test_a_span_counts_its_positions() -> None:
    """Positions have no gaps, so a count needs no look at the log."""
    assert Span(10, 25).count == 15
