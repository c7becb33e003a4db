"""A worker that took partitions over is ready once their topics have shown to be the same ones."""

from tests.unit.kernel.trading import play, side_by_side

from danbao.app import SERVICES, TOPICS_READ
from danbao.kernel.events import EventReader
from danbao.kernel.memory.source import MemorySource
from danbao.kernel.memory.store import MemoryStore
from danbao.kernel.progress import Progress
from danbao.testing.engine import Engine

RECORDS_MAX = 500


async def test_what_was_handled_last_is_seen_before_a_worker_is_ready() -> None:
    """Or an engine whose topic was made anew would be ready for a moment, and then refuse."""
    engine = Engine()
    await play(engine, side_by_side(1))
    await engine.restart()
    source = MemorySource(engine.broker, TOPICS_READ["escrow"], group="danbao.escrow")
    store, reader = MemoryStore(engine.tables), EventReader(SERVICES["escrow"])
    progress = Progress("escrow", store, source, reader)
    await source.start()

    await progress.claim(source.take_unclaimed())
    assert progress.unchecked() > 0
    records = await source.poll(RECORDS_MAX, 0)
    assert [record for record in records if progress.is_new(record)] == []
    assert progress.unchecked() == 0
