"""Kafka loses data, all or some: the engine stops loudly, is recovered, goes on (F37 to F45)."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from tests.faults.recovering import Drill, drill, market_day
from tests.integration.test_market_day import files_of

from danbao.kernel.kafka.clients import make_admin, make_producer
from danbao.kernel.topics import declared_topics, described, ensure_topics
from danbao.publisher import Limits
from danbao.recovery.topics import remove

pytestmark = pytest.mark.servers

LOST_AFTER_EVENTS = 400


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    with drill(tmp_path_factory.mktemp("drill") / "home") as made:
        yield made


@pytest.mark.brief
async def test_kafka_wiped_under_load_is_made_anew_from_the_log(home: Drill) -> None:
    """No event is lost or handled twice; what upstream sends again ends the day as expected."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts])
    publishing = asyncio.create_task(engine.publish([trades], Limits(rate=200)))
    await home.until_position(await engine.position() + LOST_AFTER_EVENTS)
    home.kill_kafka_and_wipe()
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    home.down()

    assert "recover kafka-lost" in home.refuses()
    preview = home.danbao("recover", "kafka-lost")
    assert preview.returncode == 1
    assert "nothing was changed" in preview.stderr
    report = home.recover("kafka-lost")
    assert len(report["missing"]) == 13
    assert report["send_again"].keys() >= {"escrow", "authorization"}

    engine = home.up()
    await engine.wait_idle()
    assert await engine.audit() == []
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []
    home.down()
    assert home.recover("kafka-lost")["made_anew"] == [], "a second run finds nothing to do"


async def test_a_running_engine_is_not_recovered(home: Drill) -> None:
    """Recovery under a running engine would pull the ground from under it."""
    home.up()
    ended = home.danbao("recover", "kafka-lost", "--yes")
    assert ended.returncode == 3
    assert "engine_running" in ended.stderr


async def test_a_topic_deleted_and_recreated_is_found_and_made_anew(home: Drill) -> None:
    """More records than before do not deceive: the record that was handled last is another."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts, trades])
    await engine.wait_idle()
    home.down()
    names = ["danbao.authorization.events", "danbao.escrow.commands"]
    async with home.servers() as servers:
        bootstrap = servers.addresses.kafka_bootstrap
        await remove(bootstrap, names)
        admin = make_admin(bootstrap, client_id="test")
        await admin.start()
        settings = declared_topics()
        await admin.create_topics(
            [NewTopic(name, 8, 1, topic_configs=settings[name]) for name in names]
        )
        await described(admin, names)
        await admin.close()
        producer = make_producer(bootstrap, client_id="test")
        await producer.start()
        for number in range(16_000):
            await producer.send(names[1], b"noise", partition=number % 8)
        await producer.stop()

    assert "kafka_lost" in home.refuses()
    report = home.recover("kafka-lost")
    assert report["made_anew"] == ["danbao.authorization.events"]
    assert set(report["read_from_the_start"]) == {"danbao.escrow.commands"}

    engine = home.up()
    await engine.wait_idle()
    letters = "SELECT count(*) FROM danbao.dead_letters WHERE reason = 'id_unusable'"
    assert (await engine.fetch(letters))[0][0] == 16_000, "what the topic holds is read"
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []


async def test_a_topic_that_is_missing_is_not_made_anew_in_silence(home: Drill) -> None:
    """Commands in it would be lost without a word: the start refuses until somebody says so."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts])
    await engine.wait_idle()
    home.down()
    name = "danbao.escrow.commands"
    async with home.servers() as servers:
        await remove(servers.addresses.kafka_bootstrap, [name])

    assert "topics_gone" in home.refuses()
    report = home.recover("kafka-lost")
    assert report["missing"] == [name]
    engine = home.up()
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []


async def test_a_recreated_command_topic_alone_stops_its_service(home: Drill) -> None:
    """Events are as they were, so every process starts; the one that reads the topic refuses."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts])
    await engine.wait_idle()
    name = "danbao.accounts.commands"
    [handled] = await engine.fetch(
        "SELECT max(next_offset) FROM danbao.consumer_offsets WHERE topic = $1", name
    )
    home.down()
    async with home.servers() as servers:
        bootstrap = servers.addresses.kafka_bootstrap
        await remove(bootstrap, [name])
        await ensure_topics(bootstrap, 8, {})
        producer = make_producer(bootstrap, client_id="test")
        await producer.start()
        for number in range((handled[0] + 10) * 8):
            await producer.send(name, b"noise", partition=number % 8)
        await producer.stop()

    assert "topic_recreated" in home.refuses()
    assert home.recover("kafka-lost")["made_anew"] == []
    engine = home.up()
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []


async def test_records_deleted_before_they_were_read_stop_the_service(home: Drill) -> None:
    """Below the stored offset nobody misses them; beyond it nobody may go on as if nothing was."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts])
    await engine.wait_idle()
    name = "danbao.accounts.commands"
    asked = "SELECT partition, next_offset FROM danbao.consumer_offsets WHERE topic = $1"
    read = {row[0]: row[1] for row in await engine.fetch(asked, name)}
    await delete_before(engine.kafka_bootstrap, name, read)
    home.down()
    engine = home.up()
    await engine.publish([trades])
    await engine.wait_idle()
    read = {row[0]: row[1] for row in await engine.fetch(asked, name)}
    home.down()
    async with home.servers() as servers:
        bootstrap = servers.addresses.kafka_bootstrap
        producer = make_producer(bootstrap, client_id="test")
        await producer.start()
        for number in range(80):
            await producer.send(name, b"noise", partition=number % 8)
        await producer.stop()
        await delete_before(bootstrap, name, {place: offset + 4 for place, offset in read.items()})

    assert "offset_out_of_range" in home.refuses()
    report = home.recover("kafka-lost")
    lost = report["read_from_the_start"][name]
    assert {each["lost"] for each in lost} == {4}, "it says how many are gone"
    engine = home.up()
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []


async def delete_before(bootstrap: str, name: str, offsets: dict[int, int]) -> None:
    """Delete the records of a topic below these offsets."""
    admin = make_admin(bootstrap, client_id="test")
    await admin.start()
    places = {KafkaPartition(name, n): RecordsToDelete(at) for n, at in offsets.items()}
    await admin.delete_records(places)
    await admin.close()


async def test_added_partitions_are_refused_and_taken_back(home: Drill) -> None:
    """Keys have moved, order is broken: the topics are made anew with the count they had."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts])
    await engine.wait_idle()
    names = ["danbao.escrow.commands", "danbao.escrow.events"]
    admin = make_admin(engine.kafka_bootstrap, client_id="test")
    await admin.start()
    await admin.create_partitions({name: NewPartitions(12) for name in names})
    await admin.close()
    await home.says("topic_partitions_changed", "escrow-0")
    publishing = asyncio.create_task(engine.publish([trades]))
    await asyncio.sleep(3)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    home.down()

    assert "topic_partitions_changed" in home.refuses()
    report = home.recover("kafka-lost")
    assert report["made_anew"] == names
    engine = home.up()
    await engine.wait_idle()
    assert await engine.audit() == []
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []
