"""The page of a day: text, tables and plots in one file that needs nothing else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import jinja2

from danbao.analysis.day import Day
from danbao.cli.format import amount_text, money_text
from danbao.cli.report import commands, plots
from danbao.cli.report.plots import Plot
from danbao.ledger.books import equations

MERCHANTS_SHOWN = 10
CODES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; the first column names the row."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    total: tuple[str, ...] | None = None


@dataclass(slots=True)
class Section:
    """One question of the day, answered."""

    name: str
    title: str
    text: str
    commands: list[str]
    plots: list[tuple[str, Plot]] = field(default_factory=list)
    tables: list[tuple[str, Table]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at the head of the page."""

    name: str
    value: str
    command: str
    is_good: bool | None = None


def templates() -> jinja2.Environment:
    """The templates of pages; whatever is put into them is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("danbao.cli.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(day: Day) -> str:
    """Give the page."""
    page: str = (
        templates()
        .get_template("page.html")
        .render(
            day=day,
            figures=_figures(day),
            sections=_sections(day),
            command=commands.report_json(day),
        )
    )
    return page


def currencies_of(day: Day) -> list[str]:
    """The currencies of a day, the one with most payments first."""
    counts: dict[str, int] = {}
    for point in day.points:
        counts[point.currency] = counts.get(point.currency, 0) + point.payments
    for line in day.reserve[-1].lines:
        counts.setdefault(line.currency, 0)
    return sorted(counts, key=lambda currency: (-counts[currency], currency))


def _figures(day: Day) -> list[Figure]:
    found = [
        Figure("events", f"{day.span.count:,}", commands.sql("events", day)),
        Figure("trades created", f"{day.funnel['created']:,}", commands.sql("funnel", day)),
    ]
    for currency in currencies_of(day):
        here = [point for point in day.points if point.currency == currency]
        paid, fee = sum(p.paid_minor for p in here), sum(p.fee_minor for p in here)
        found += [
            Figure("paid", money_text(paid, currency), commands.sql("volume", day)),
            Figure("fees", money_text(fee, currency), commands.sql("fees", day)),
        ]
    balanced = all(each.is_balanced for each in equations(day.reserve[-1].lines))
    return [
        *found,
        Figure("refused commands", f"{day.refusals.total():,}", commands.sql("refusals", day)),
        Figure("declined payments", f"{day.declines.total():,}", commands.sql("declines", day)),
        Figure(
            "reserve",
            "equals what is owed" if balanced else "DOES NOT EQUAL WHAT IS OWED",
            commands.reserve(day),
            balanced,
        ),
    ]


def _sections(day: Day) -> list[Section]:
    return [_funnel(day), _money(day), _codes(day), _merchants(day), _reserve(day)]


def _funnel(day: Day) -> Section:
    section = Section(
        "trades",
        "Trades",
        "Of the trades created on this day: how many took each step before it ended, and in which "
        "state they were then.",
        [commands.sql("funnel", day), commands.sql("states", day)],
    )
    section.plots = [
        ("Steps taken", plots.bars("steps", "Trades by step taken", day.funnel)),
        ("State at the end", plots.bars("states", "Trades by state", day.states, colour=2)),
    ]
    return section


def _money(day: Day) -> Section:
    minutes = int(day.width.total_seconds()) // 60
    section = Section(
        "money",
        "Volume and fees",
        f"Payments captured, and fees fixed when trades were credited, every {minutes} minutes.",
        [commands.sql("volume", day), commands.sql("fees", day)],
    )
    for currency in currencies_of(day):
        if any(point.currency == currency for point in day.points):
            paid, fee = f"Captured in {currency}", f"Fees in {currency}"
            section.plots += [
                (paid, plots.volume(f"volume-{currency}", paid, day, currency)),
                (fee, plots.fees(f"fees-{currency}", fee, day, currency)),
            ]
    return section


def _codes(day: Day) -> Section:
    section = Section(
        "codes",
        "Refusals and declines",
        "A refusal answers a command with no and changes nothing; a decline is a payment that was "
        "taken in and did not happen.",
        [commands.sql("refusals", day), commands.sql("declines", day)],
    )
    for name, title, counts, colour in (
        ("refusals", "Refused commands", day.refusals, 3),
        ("declines", "Declined payments", day.declines, 1),
    ):
        if counts:
            shown = _most_common(counts)
            section.plots.append((title, plots.bars(name, f"{title} by code", shown, colour)))
    return section


def _most_common(counts: Counter[str]) -> dict[str, int]:
    """The codes that occur most, and all others together, so that the bars add up."""
    shown = dict(counts.most_common(CODES_SHOWN))
    if (others := len(counts) - len(shown)) > 0:
        shown[f"{others} other codes"] = counts.total() - sum(shown.values())
    return shown


def _merchants(day: Day) -> Section:
    section = Section(
        "merchants",
        "Top merchants",
        "By what was credited to them, before fees.",
        [commands.sql("merchants", day)],
    )
    for currency in currencies_of(day):
        lines = [line for line in day.merchants if line.currency == currency][:MERCHANTS_SHOWN]
        if lines:
            rows = [
                (
                    line.merchant,
                    f"{line.credits:,}",
                    *(amount_text(minor, currency) for minor in
                      (line.gross_minor, line.fee_minor, line.net_minor)),
                )
                for line in lines
            ]  # fmt: skip
            table = Table(("merchant", "trades", "gross", "fee", "net"), rows)
            section.tables.append((f"In {currency}", table))
    return section


def _reserve(day: Day) -> Section:
    section = Section(
        "reserve",
        "The reserve",
        "Whom the money in our keeping belongs to, and that it is there; the table is the equation "
        f"at position {day.span.upto:,}, the end of the day.",
        [commands.reserve(day)],
    )
    for currency in currencies_of(day):
        title = f"Reserve in {currency}"
        section.plots.append((title, plots.reserve(f"reserve-{currency}", title, day, currency)))
        title = f"Owed besides wallets in {currency}"
        section.plots.append(
            (title, plots.besides_wallets(f"besides-{currency}", title, day, currency))
        )
    for equation in equations(day.reserve[-1].lines):
        code = equation.currency
        rows = [(line.name, amount_text(line.balance_minor, code), "") for line in equation.assets]
        rows += [
            (line.name, "", amount_text(line.balance_minor, code)) for line in equation.liabilities
        ]
        sums = (
            amount_text(equation.assets_minor, code),
            amount_text(equation.liabilities_minor, code),
        )
        verdict = "together, equal" if equation.is_balanced else "together, NOT EQUAL"
        section.tables.append((f"In {code}", Table(("", "there", "owed"), rows, (verdict, *sums))))
    return section
