"""Flows that are made while they run."""

from collections.abc import Iterator

from tests.unit.publisher.lines import line

from danbao.publisher.commandfile import Line
from danbao.publisher.stream import FlowStream

CREATED = "escrow.trade_created.v1"


def flows(count: int, drawn: list[int]) -> Iterator[list[Line]]:
    for number in range(count):
        drawn.append(number)
        yield [line(f"T{number}", f"{number}")]


def stream(count: int, drawn: list[int]) -> FlowStream:
    made = FlowStream(flows(count, drawn), count, {"escrow": line("", "")})
    assert made.begin() == count
    return made


def test_flows_are_drawn_as_they_start() -> None:
    """An hour of load is not made before its first second."""
    drawn: list[int] = []
    running = stream(1_000, drawn)

    assert running.start(3) == 3
    assert drawn == [0, 1, 2]
    assert running.unstarted_flows == 997
    assert [item.id for _, item in running.take_ready()] == ["0", "1", "2"]


def test_a_flow_that_is_done_is_forgotten() -> None:
    """Memory is that of the flows that are open."""
    running = stream(2, [])
    running.start(2)
    running.take_ready()
    running.observe("T0", CREATED, "0")

    assert not running.knows("T0")
    assert running.knows("T1")
    assert not running.is_file_done
    running.observe("T1", CREATED, "1")
    assert running.is_file_done


def test_lines_are_due_from_the_start_of_their_flow() -> None:
    """Which is when it should have been, not when it was."""
    running = stream(1, [])
    running.start(1, [12.5])

    [(flow, _)] = running.take_ready()
    assert flow.due_at == 12.5
