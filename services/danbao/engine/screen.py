"""One picture of the engine for a terminal, however narrow; `up` and `top` share it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from danbao.engine.figures import EngineFigures, Waiting

GAP: Final = 2
LEAVE_OUT: Final = ("pid", "restarts", "memory", "CPU", "age", "events/s")
"""Columns to do without where there is no room, in this order."""


@dataclass(frozen=True, slots=True)
class Line:
    """One process: its cells by column; a column that no line has is not shown."""

    cells: dict[str, str]
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Processes:
    """The table of processes, as wide as the terminal allows."""

    columns: tuple[str, ...]
    """All columns in their order; the first is the name."""
    lines: Sequence[Line]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Leave out what there is no room for."""
        columns = fitting(self.columns, self.lines, options.max_width)
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
        for column in columns:
            is_text = column in {self.columns[0], "state"}
            table.add_column(column, justify="left" if is_text else "right", no_wrap=True)
        for line in self.lines:
            cells = [line.cells.get(column, "") for column in columns]
            table.add_row(*cells, style="bold red" if line.is_bad else "")
        yield table


def fitting(columns: Sequence[str], lines: Sequence[Line], width: int) -> list[str]:
    """Choose columns that fit, leaving out the least needed first."""
    shown = [c for c in columns if any(line.cells.get(c) for line in lines)]

    def needed() -> int:
        widths = (max(cell_len(line.cells.get(c, "")) for line in lines) for c in shown)
        return sum(max(w, cell_len(c)) + GAP for c, w in zip(shown, widths, strict=True)) - GAP

    for column in LEAVE_OUT:
        if not shown or needed() <= width:
            break
        if column in shown:
            shown.remove(column)
    return shown


def headline(figures: EngineFigures, rate: float) -> RenderableType:
    """The engine in a few words; what should be zero and is not stands out."""
    behind = max(figures.projections.values(), key=lambda each: each.count, default=Waiting(0))
    letters = sum(figures.letters.values())
    parts = [
        (f"log {figures.log_events:,} events", ""),
        (f"{rate:,.0f} events/s", ""),
        (f"relay behind {waiting_text(figures.relay)}", ""),
        (f"read models behind {waiting_text(behind)}", ""),
        (f"timers overdue {waiting_text(figures.timers)}", ""),
        (f"dead letters {letters:,}", "bold red" if letters else ""),
    ]
    text = Text("danbao 担保", style="bold")
    for words, style in parts:
        text.append("   ")
        text.append(words.replace(" ", "\u00a0"), style=style or "not bold")
    return text


def waiting_text(waiting: Waiting) -> str:
    """`0`, or `12 (0.4 s)`."""
    return f"{waiting.count:,} ({age_text(waiting.seconds)})" if waiting.count else "0"


def age_text(seconds: float) -> str:
    """A duration in one or two words: `0.4 s`, `3 min`, `5 h`, `2 d`."""
    for limit, unit, size in ((60, "s", 1), (3600, "min", 60), (86_400, "h", 3600)):
        if seconds < limit:
            value = seconds / size
            return f"{value:.1f} {unit}" if unit == "s" else f"{value:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def picture(figures: EngineFigures, rate: float, processes: Processes, foot: str) -> RenderableType:
    """All of it."""
    return Group(headline(figures, rate), processes, Text(foot, "dim"))


@dataclass(slots=True)
class Rate:
    """Remembers the last value, so that it can tell a rate."""

    _value: float | None = None
    _at: float = 0.0

    def note(self, value: float, now: float) -> float:
        """Give the rise a second since the last time; 0 at first."""
        before, since = self._value, now - self._at
        self._value, self._at = value, now
        if before is None or since <= 0:
            return 0.0
        return max(0.0, (value - before) / since)
