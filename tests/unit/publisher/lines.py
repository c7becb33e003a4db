"""Command lines and schedules for the tests of the publisher."""

from collections import Counter
from collections.abc import Sequence

from danbao.publisher.commandfile import Line
from danbao.publisher.flows import Schedule

CREATED, FUNDED, REJECTED = "e.created.v1", "e.funded.v1", "e.command_rejected.v1"


def line(flow: str, name: str, *after: str, data: bytes = b"{}", actor: str | None = None) -> Line:
    """A command whose id is its name; without a name a line that only waits."""
    return Line(
        number=0,
        partitionkey=flow,
        file="day.jsonl",
        id=name,
        type="e.do_it.v1" if name else "",
        source="test",
        data=data,
        after=dict(Counter(after)),
        actor=actor,
    )


def begun(*files: Sequence[Line], flows_max: int = 1_000) -> Schedule:
    """A schedule with its first file begun."""
    schedule = Schedule(files)
    schedule.begin()
    schedule.start(flows_max)
    return schedule


def taken(schedule: Schedule) -> list[str]:
    """Ids of the lines that are ready."""
    return [line.id for _, line in schedule.take_ready()]
