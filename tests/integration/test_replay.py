"""Reading history again on real servers: each event once, whoever was killed when."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import asyncpg
import pytest
from tests.conformance.brokers import KafkaBroker
from tests.integration.filled_log import Filled

from danbao.analysis.cloud_events import cloud_event
from danbao.analysis.moments import Span
from danbao.analysis.replay import replay_to_topic
from danbao.analysis.wanted import Wanted
from danbao.kernel.errors import OutcomeUnknownError
from danbao.kernel.kafka.sink import KafkaEventSink
from danbao.kernel.messages import Record
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.kernel.topics import ensure_topic
from danbao.servers.kafka import KafkaServer

pytestmark = pytest.mark.servers

PARTITIONS = 3
RANDOM = Random(5)


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own."""
    server = KafkaServer(tmp_path_factory.mktemp("replay"), print)
    asyncio.run(server.start())
    yield server.address
    asyncio.run(server.stop())


@pytest.fixture
async def connection(filled: Filled) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(filled.dsn, purpose="test", session=PATIENT)
    yield opened
    await opened.close()


def test_standard_output_has_one_cloud_event_a_line(filled: Filled, tmp_path: Path) -> None:
    """The count is shown first, and beside the events, so that these can be piped."""
    done = filled.cli(tmp_path, "replay", "--from", "11", "--to", "60", "--type", "*.v1")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [cloud_event(row) for row in filled.rows[10:60]]
    assert done.stderr.startswith("50 events (type *.v1), positions 11 to 60\n")


def test_a_flow_or_a_stream_is_replayed_alone(filled: Filled, tmp_path: Path) -> None:
    """The story of one trade, in the order of the log."""
    trade = next(row.partition_key for row in filled.rows if row.stream.startswith("trade/"))
    for option, name, field in (
        ("--flow", trade, "partition_key"),
        ("--stream", f"trade/{trade}", "stream"),
    ):
        expected = [row.position for row in filled.rows if getattr(row, field) == name]

        done = filled.cli(tmp_path, "replay", option, name)

        found = [int(json.loads(line)["sequence"]) for line in done.stdout.splitlines()]
        assert found == expected
        assert done.stderr.startswith(f"{len(expected):,} events")


def test_a_file_goes_on_behind_its_last_whole_line(filled: Filled, tmp_path: Path) -> None:
    """A kill leaves a prefix of the file: from every prefix it becomes the same file."""
    file = tmp_path / "all.jsonl"
    assert filled.cli(tmp_path, "replay", "--out", str(file)).returncode == 0
    whole = file.read_bytes()
    assert whole.decode().splitlines() == [cloud_event(row) for row in filled.rows]

    for size in (0, 1, *RANDOM.sample(range(len(whole)), 3), len(whole)):
        file.write_bytes(whole[:size])
        done = filled.cli(tmp_path, "replay", "--out", str(file), "--resume")

        assert done.returncode == 0, done.stderr
        assert file.read_bytes() == whole


def test_a_file_is_never_written_over(filled: Filled, tmp_path: Path) -> None:
    """Without --resume, with the end of another log, of other events, or of something else."""
    file = tmp_path / "some.jsonl"
    filled.cli(tmp_path, "replay", "--to", "5", "--out", str(file))
    kept = file.read_bytes()
    again = ("replay", "--out", str(file))
    other = cloud_event(filled.rows[4]).replace(filled.rows[4].event_id, "0" * 36)
    cases = (
        (kept, again, "is there"),
        (kept, (*again, "--resume", "--flow", "nobody"), "not with flow nobody"),
        (f"{other}\n".encode(), (*again, "--resume"), "this log does not have"),
        (b"{}\n", (*again, "--resume"), "is no event"),
        (b"hello\n", (*again, "--resume"), "is no event"),
    )
    for text, arguments, words in cases:
        file.write_bytes(text)
        done = filled.cli(tmp_path, *arguments)

        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert file.read_bytes() == text


async def published(bootstrap: str, topic: str) -> list[Record]:
    """Every committed record of a topic."""
    return list(await KafkaBroker(bootstrap, PARTITIONS).records(topic))


def check(filled: Filled, records: list[Record], upto: int) -> None:
    """Hold that each event is there once, in order in its partition, linked to the one before."""
    last: dict[object, int] = {}
    positions = []
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        position = int(headers["ce_sequence"])
        assert int(headers["ce_prevsequence"]) == last.get(record.place, 0)
        assert record.value == filled.rows[position - 1].data.encode()
        last[record.place] = position
        positions.append(position)
    assert sorted(positions) == list(range(1, upto + 1))


async def test_a_topic_gets_each_event_once_however_often_it_is_asked_for(
    filled: Filled, connection: asyncpg.Connection, bootstrap: str
) -> None:
    """The topic itself says how far it came."""
    topic, counts = "analytics.again", []
    assert await ensure_topic(bootstrap, topic, PARTITIONS) == PARTITIONS
    assert await ensure_topic(bootstrap, topic, 99) == PARTITIONS
    end = len(filled.rows)
    for upto in (400, end, end):
        sink = KafkaEventSink(bootstrap, PARTITIONS, topic)
        span, shown = Span(0, upto), list[int]()
        counts.append(await replay_to_topic(connection, Wanted(), span, sink, shown.append))
        await sink.close()

    assert counts == [400, end - 400, 0]
    check(filled, await published(bootstrap, topic), end)


async def test_a_replay_that_dies_after_publishing_goes_on_without_doubles(
    filled: Filled, connection: asyncpg.Connection, bootstrap: str
) -> None:
    """Its last transaction may have happened or not: the topic is asked, not a memory."""
    topic = "analytics.dying"
    await ensure_topic(bootstrap, topic, PARTITIONS)

    class Dying(KafkaEventSink):
        async def publish(self, rows: object) -> None:
            await super().publish(rows)
            raise OutcomeUnknownError("the answer was lost")

    for sink_class in (Dying, Dying, KafkaEventSink):
        sink = sink_class(bootstrap, PARTITIONS, topic)
        try:
            span = Span(0, len(filled.rows))
            await replay_to_topic(connection, Wanted(), span, sink, lambda _: None)
        except OutcomeUnknownError:
            assert sink_class is Dying
        await sink.close()

    check(filled, await published(bootstrap, topic), len(filled.rows))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--to-topic", "danbao.escrow.events"), 2, "engine's own topics"),
        (("--to-topic", "a", "--out", "b"), 2, "exclude each other"),
        (("--resume",), 2, "needs --out"),
        (("--from", "never"), 2, "no position, date or time"),
        (("--to", "99999999"), 1, "beyond the last event"),
    ],
    ids=str,
)
def test_a_replay_that_makes_no_sense_says_why(
    filled: Filled, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Before anything is written."""
    done = filled.cli(tmp_path, "replay", *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_parquet_has_what_was_asked_for(filled: Filled, tmp_path: Path) -> None:
    """Some events, by day, and again: nothing twice."""
    folder = tmp_path / "parquet"
    arguments = ("replay", "--type", "escrow.*", "--parquet", str(folder))
    expected = sum(row.type.startswith("escrow.") for row in filled.rows)

    first, second = filled.cli(tmp_path, *arguments), filled.cli(tmp_path, *arguments)

    assert first.returncode == second.returncode == 0, first.stderr
    assert f"replayed {expected:,} events" in first.stderr
    assert "replayed 0 events" in second.stderr
    counted = filled.cli(
        tmp_path, "sql", "SELECT count(*) FROM events", "--dir", str(folder), "--csv"
    )
    assert counted.stdout.splitlines()[1] == str(expected)
