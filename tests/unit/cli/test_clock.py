"""How long, and until when: what `danbao clock advance` understands."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from danbao.cli.clock import parse_moment, parse_span


def test_spans_are_read_in_the_units_that_people_use() -> None:
    """Days mostly."""
    assert parse_span("10d") == timedelta(days=10)
    assert parse_span("1d12h") == timedelta(hours=36)
    assert parse_span("90m45s") == timedelta(minutes=90, seconds=45)
    assert parse_span("2w") == timedelta(weeks=2)


@pytest.mark.parametrize("text", ["10", "d", "-1d", "1y", "1.5d", "", "9" * 20 + "w"])
def test_anything_else_is_wrong_use(text: str) -> None:
    """A guess would move the clock by what nobody meant."""
    with pytest.raises(typer.Exit) as ended:
        parse_span(text)
    assert ended.value.exit_code == 2


def test_a_moment_without_a_zone_is_utc() -> None:
    """As all times of danbao."""
    assert parse_moment("2027-01-01T00:00") == datetime(2027, 1, 1, tzinfo=UTC)
    assert parse_moment("2027-01-01T08:00+08:00") == datetime(2027, 1, 1, tzinfo=UTC)
