"""A market day played through the whole engine in memory."""

from datetime import datetime, timedelta
from uuid import UUID

from danbao.kernel.memory.clock import START
from danbao.kernel.memory.tables import Tables
from danbao.publisher.commandfile import Line, parse_lines
from danbao.publisher.flows import Schedule
from danbao.testing.engine import Engine
from danbao.testing.market import encode_lines, simulate_market

IN_FLIGHT = 60
TURN = timedelta(seconds=90)
"""How far the clock moves at each turn of the engine."""
LONGEST_WAIT = timedelta(days=40)


async def play_market(trades: int, seed: int, incarnation: UUID, start: datetime = START) -> Tables:
    """Give what one day leaves behind, with ids of a log; two seeds share no id."""
    engine = Engine(start=start)
    engine.tables.incarnation = incarnation
    files = [list(encode_lines(file)) for file in simulate_market(trades, seed).files]
    schedule = Schedule(list(parse_lines(file, "day")) for file in files)
    seen = 0
    for _ in files:
        schedule.begin()
        while not schedule.is_file_done:
            schedule.start(IN_FLIGHT - schedule.open_flows)
            for _, line in schedule.take_ready():
                await _send(engine, line)
            await engine.settle()
            rows = engine.tables.log[seen:]
            seen += len(rows)
            if not rows:
                await engine.advance(_until_next(engine))
            for row in rows:
                schedule.observe(row.partition_key, row.type, row.causation_id)
            engine.clock.move_to(engine.clock.now() + TURN)
    return engine.tables


async def _send(engine: Engine, line: Line) -> None:
    headers = [("ce_source", line.source.encode())]
    await engine.send(
        line.type, line.data, key=line.partitionkey, id=line.id, actor=line.actor, headers=headers
    )


def _until_next(engine: Engine) -> timedelta:
    """How long it is until the next deadline: nothing else will happen before."""
    due = min(timer.due_at for timer in engine.tables.timers.values())
    wait = max(due - engine.clock.now(), TURN)
    assert wait < LONGEST_WAIT
    return wait
