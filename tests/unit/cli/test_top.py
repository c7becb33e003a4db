"""The picture of the engine, in wide and in narrow terminals."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from danbao.cli.top import _lag_table
from danbao.engine.figures import EngineFigures, TopicLag, Waiting
from danbao.engine.screen import Rate, age_text, picture
from danbao.engine.top import Look, ProcessFigures, processes_of

FIGURES = EngineFigures(
    log_events=1_234_567,
    relay=Waiting(12, 0.4),
    projections={"trades": Waiting(0), "payments": Waiting(4_000, 75)},
    timers=Waiting(0),
    letters={"escrow": 2, "risk": 0},
    lag={"escrow": 17, "risk": 0},
)
ESCROW = ProcessFigures(
    name="escrow-0",
    answers=True,
    is_ready=True,
    events_per_s=1_200.4,
    lag=17,
    age_s=0.3,
    cpu_percent=88.2,
    memory_bytes=80 << 20,
)
LOOK = Look(
    engine=FIGURES,
    events_per_s=1_200,
    processes=[ESCROW, ProcessFigures(name="relay-0", answers=False)],
)


def drawn(what: RenderableType, width: int) -> list[str]:
    """The lines that a terminal of so many columns shows."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def screen(width: int) -> list[str]:
    return drawn(picture(LOOK.engine, LOOK.events_per_s, processes_of(LOOK), "Ctrl-C"), width)


def test_a_wide_screen_has_everything() -> None:
    """One look answers: how much, how fast, what waits, who is down."""
    text = "\n".join(screen(200)).replace("\u00a0", " ")

    for words in (
        "log 1,234,567 events",
        "1,200 events/s",
        "relay behind 12 (0.4 s)",
        "read models behind 4,000 (1 min)",
        "timers overdue 0",
        "dead letters 2",
    ):
        assert words in text
    assert "process   state      events/s  lag    age   CPU  memory" in text
    assert "escrow-0  ready         1,200   17  0.3 s  88 %  80 MiB" in text
    assert "relay-0   no answer" in text


@pytest.mark.parametrize("width", [24, 30, 40, 60, 80])
def test_a_narrow_screen_keeps_name_state_and_lag(width: int) -> None:
    """A phone, or a corner of a screen: no line is broken, what matters most stays."""
    lines = screen(width)

    assert all(cell_len(line) <= width for line in lines)
    [escrow] = [line for line in lines if line.startswith("escrow-0")]
    assert escrow.split()[1] == "ready"
    assert "17" in escrow.split()


def test_lag_names_who_waits_for_what() -> None:
    """The table of `danbao lag`."""
    lags = [
        TopicLag("escrow", "danbao.escrow.commands", 17, 3.25),
        TopicLag("risk", "danbao.risk.commands", 0, 0.0),
    ]
    lines = [" ".join(line.split()) for line in drawn(_lag_table(FIGURES, lags), 100)]

    assert "escrow escrow.commands 17 3.2 s" in lines
    assert "risk risk.commands 0" in lines
    assert "relay the log 12 0.4 s" in lines
    assert "projector payments 4,000 1 min" in lines
    assert "escrow dead letters 2" in lines
    assert not any(line.startswith("risk dead letters") for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (60, "1 min"), (7_200, "2 h"), (200_000, "2 d")],
)
def test_ages_are_short(seconds: float, text: str) -> None:
    """One number, one unit."""
    assert age_text(seconds) == text


def test_a_rate_needs_two_looks_and_never_falls_below_zero() -> None:
    """A process that was started anew counts from 0 again."""
    rate = Rate()

    assert rate.note(100, 10) == 0
    assert rate.note(300, 12) == 100
    assert rate.note(5, 13) == 0
