"""How money, times and foreign text are shown."""

from datetime import UTC, datetime

import pytest

from danbao.cli.format import money_text, safe_text, short_text, time_text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456, "CNY", "1,234.56 CNY"),
        (5, "CNY", "0.05 CNY"),
        (0, "USD", "0.00 USD"),
        (-150, "CNY", "-1.50 CNY"),
        (1_234_567, "JPY", "1,234,567 JPY"),
        (1_234, "KWD", "1.234 KWD"),
        (7, "XXX", "7 XXX"),
        (10**15 * 1_000, "CNY", "10,000,000,000,000,000.00 CNY"),
    ],
)
def test_money_is_shown_in_the_minor_units_of_its_currency(
    minor: int, currency: str, text: str
) -> None:
    """A yen has no cents and a dinar has thousandths: one digit too few misstates a payment."""
    assert money_text(minor, currency) == text


def test_times_are_shown_to_the_millisecond() -> None:
    """Events of one trade are milliseconds apart."""
    at = datetime(2026, 11, 23, 23, 15, 11, 4_999, tzinfo=UTC)

    assert time_text(at) == "2026-11-23 23:15:11.004"
    assert time_text(None) == "-"


def test_text_is_cut_by_the_cells_it_takes() -> None:
    """A Chinese character takes two cells, so counting characters would break the line."""
    assert short_text("担保交易", 8) == "担保交易"
    assert short_text("担保交易", 7) == "担保交…"
    assert short_text("abc", 3) == "abc"


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    """A title is a buyer's text: it must not move an operator's cursor or change colours."""
    assert safe_text("a\x1b[31mb\n\udc80") == "a\\x1b[31mb\\n\\udc80"
    assert safe_text("Müsli & “九成新”") == "Müsli & “九成新”"
