"""The commands that give each number of the page as data (pure).

Those with `danbao sql` ask the archive in DuckDB: `danbao export` makes it.
"""

from danbao.analysis.day import STEPS, Day
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.cli.report", "commands.sql")


def report_json(day: Day) -> str:
    """Every number of the page at once."""
    return f"danbao report day {day.date} --json"


def reserve(day: Day) -> str:
    """The equation when the day ended."""
    return f"danbao ledger reserve --at {day.span.upto} --json"


def sql(name: str, day: Day) -> str:
    """A query of `commands.sql` for one day, on one line of a shell."""
    values = {
        ":day": str(day.date),
        ":minutes": str(int(day.width.total_seconds()) // 60),
        ":steps": ", ".join(f"'{step}'" for step in STEPS),
        ":first": next(iter(STEPS)),
    }
    text = " ".join(Q[name].split())
    for mark, value in values.items():
        text = text.replace(mark, value)
    return f'danbao sql "{text.replace("$", chr(92) + "$")}" --csv'
