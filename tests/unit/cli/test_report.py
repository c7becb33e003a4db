"""The page of a day, without a server: what a browser, a reader and a screen reader get."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from danbao.analysis.day import FUNNEL, STEPS, Day, MerchantDay, Point, Reserve
from danbao.analysis.moments import Span
from danbao.cli.report.command import day_json
from danbao.cli.report.page import CODES_SHOWN, render_page
from danbao.cli.report.svg import VARIABLES
from danbao.ledger.books import BookLine

pytestmark = pytest.mark.slow  # the plots are drawn

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'


def made(owed_minor: int = 9_000) -> Day:
    """A small day; the reserve has 90.00."""
    hours = [AT + timedelta(hours=hour) for hour in range(4)]
    lines = [BookLine("R.CB", "CNY", 1, 9_000), BookLine("R.CUST", "CNY", 3, owed_minor)]
    return Day(
        date(2026, 1, 5),
        Span(10, 500),
        timedelta(hours=1),
        funnel=dict.fromkeys(FUNNEL, 3),
        states=dict.fromkeys(STEPS.values(), 1),
        points=[Point(at, "CNY", 2, 1_000, 6) for at in hours],
        refusals=Counter({"wrong_state": 4, HOSTILE: 1}),
        declines=Counter({"risk_declined": 2}),
        merchants=[MerchantDay(HOSTILE, "CNY", 1, 100, 6, 94)],
        reserve=[Reserve(at, 100, lines) for at in hours],
    )


@pytest.fixture(scope="module")
def page() -> str:
    return render_page(made())


def test_bars_of_codes_add_up_to_the_figure_above_them() -> None:
    """What is too rare for a bar of its own is in one with all the others."""
    day = made()
    day.refusals = Counter({f"code_{number:02}": 40 - number for number in range(20)})

    page = render_page(day)

    rest = sum(40 - number for number in range(CODES_SHOWN, 20))
    assert page.count(">8 other codes<") == 2
    assert f">{rest}<" in page
    assert "code_12" not in page.split("<details>")[0]


def test_large_amounts_leave_room_for_the_plot() -> None:
    """Seven billion at the side of a plot would take a third of a telephone."""
    day = made()
    lines = [
        BookLine("R.CB", "CNY", 1, 740_000_000_000), BookLine("R.CUST", "CNY", 1, 740_000_000_000),
    ]  # fmt: skip
    day.reserve = [Reserve(moment.at, 100, lines) for moment in day.reserve]

    assert re.search(r">\d,000 M<", render_page(day))


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag


def test_the_page_needs_nothing_else(page: str) -> None:
    """It is mailed, archived and opened without a network."""
    for tag, attributes in Elements(page).found:
        assert tag not in {"script", "link", "img", "iframe", "object"}
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_no_two_elements_share_an_id(page: str) -> None:
    """Plots beside each other must not take each other's parts."""
    ids = [attributes["id"] for _, attributes in Elements(page).found if attributes.get("id")]

    assert len(ids) == len(set(ids))
    for target in re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', page):
        assert target in ids


def test_every_plot_has_a_title_and_the_colours_of_the_page(page: str) -> None:
    """For those who do not see it, and for those who see it in the dark."""
    elements = Elements(page).found
    ids = {attributes.get("id") for _, attributes in elements}
    drawn = [attributes for tag, attributes in elements if tag == "svg"]

    assert drawn
    assert all(each["role"] == "img" and each["aria-labelledby"] in ids for each in drawn)
    assert not any(colour in page for colour in VARIABLES)
    assert all(f"{variable}:" in page for variable in VARIABLES.values())


def test_text_of_others_stays_text(page: str) -> None:
    """Whatever a code or a merchant is called, the page runs nothing."""
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_text_and_plots_stand_out_in_both_themes(page: str) -> None:
    """Text by 4.5 to 1, parts of plots by 3 to 1 (WCAG 2, AA)."""
    light, dark = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    for theme in (light, dark):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme))
        for ground in ("paper", "panel"):
            for name in ("ink", "muted", "good", "bad"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for number in range(1, 7):
            assert contrast(colours[f"series-{number}"], colours["paper"]) >= 3


def contrast(first: str, second: str) -> float:
    """How much two colours differ, 1 to 21 (WCAG 2)."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(p * weight for p, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_the_same_day_gives_the_same_page(page: str) -> None:
    """Two people who look at one day see one page, byte for byte."""
    assert render_page(made()) == page


def test_a_reserve_that_is_short_is_said_aloud() -> None:
    """A page that looks fine while money is missing is worse than none."""
    page = render_page(made(owed_minor=9_001))

    assert "DOES NOT EQUAL WHAT IS OWED" in page
    assert "together, NOT EQUAL" in page


def test_a_quiet_day_has_a_page_too() -> None:
    """No payment, no refusal: still a day, with its reserve."""
    day = made()
    day.points, day.merchants = [], []
    day.refusals, day.declines = Counter(), Counter()
    day.funnel = dict.fromkeys(FUNNEL, 0)

    page = render_page(day)

    assert "Nothing on this day." in page
    assert day_json(day)["events"] == 490
