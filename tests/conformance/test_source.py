"""What every source promises to a worker: order, claims, seek and hold, shares of a group."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.conformance.brokers import Broker

from danbao.kernel.errors import OffsetError
from danbao.kernel.messages import Record, TopicPartition
from danbao.kernel.ports import Source

WITHIN_S = 30


async def claimed(source: Source) -> set[TopicPartition]:
    """Join, wait for the assignment, and begin at the first offsets."""
    await source.start()
    return await claim_next(source)


async def claim_next(source: Source) -> set[TopicPartition]:
    """Wait for the next assignment, and begin at the first offsets."""
    async with asyncio.timeout(WITHIN_S):
        while not (places := source.take_unclaimed()):
            assert list(await source.poll(10, 0.2)) == [], "nothing comes before it is claimed"
    for place, (begin, _) in (await source.bounds(places)).items():
        source.seek(place, begin)
    return places


async def read(source: Source, count: int, records_max: int = 10) -> list[Record]:
    """Poll until so many records came."""
    found: list[Record] = []
    async with asyncio.timeout(WITHIN_S):
        while len(found) < count:
            batch = await source.poll(min(records_max, count - len(found)), 0.5)
            assert len(batch) <= records_max
            found.extend(batch)
    return found


def values(records: Sequence[Record]) -> list[bytes | None]:
    """What records say."""
    return [record.value for record in records]


async def test_partitions_are_given_to_claim_once(broker: Broker) -> None:
    """Claiming twice would fence ourselves."""
    topic = await broker.topic()
    source = broker.source(topic, "g")
    assert source.assigned() == set()
    places = await claimed(source)
    assert places == {TopicPartition(topic, n) for n in range(broker.partitions)}
    assert source.assigned() == places
    assert source.take_unclaimed() == set()


async def test_records_of_a_partition_come_in_order(broker: Broker) -> None:
    """One flow lies in one partition: its order is its story."""
    topic = await broker.topic()
    source = broker.source(topic, "g")
    place = TopicPartition(topic, 1)
    await claimed(source)
    await broker.send(place, *(b"%d" % n for n in range(25)))
    records = await read(source, 25, records_max=10)
    assert values(records) == [b"%d" % n for n in range(25)]
    offsets = [record.offset for record in records]
    assert offsets == sorted(set(offsets))
    first = records[0]
    assert (first.place, first.key, list(first.headers)) == (place, b"k", [("ce_id", b"1")])


async def test_nothing_is_given_before_a_partition_is_claimed(broker: Broker) -> None:
    """Only Postgres knows where to go on."""
    topic = await broker.topic()
    await broker.send(TopicPartition(topic, 0), b"early")
    source = broker.source(topic, "g")
    await claimed(source)  # asserts that polls before it give nothing
    assert values(await read(source, 1)) == [b"early"]


async def test_bounds_are_the_first_and_the_next_offset(broker: Broker) -> None:
    """An offset outside of them shows a topic that is not the one that was read."""
    topic = await broker.topic()
    place, empty = TopicPartition(topic, 0), TopicPartition(topic, 1)
    await broker.send(place, b"a", b"b", b"c")
    source = broker.source(topic, "g")
    await claimed(source)
    assert await source.bounds([place, empty]) == {place: (0, 3), empty: (0, 0)}


async def test_a_seek_goes_on_from_an_offset(broker: Broker) -> None:
    """What was read ahead is forgotten."""
    topic = await broker.topic()
    place = TopicPartition(topic, 0)
    await broker.send(place, b"a", b"b", b"c")
    source = broker.source(topic, "g")
    await claimed(source)
    assert values(await read(source, 1, records_max=1)) == [b"a"]
    source.seek(place, 2)
    assert values(await read(source, 1)) == [b"c"]
    source.seek(place, 0)
    assert values(await read(source, 3)) == [b"a", b"b", b"c"]


async def test_a_held_partition_waits_and_the_others_go_on(broker: Broker) -> None:
    """One event that must wait holds back its own partition only."""
    topic = await broker.topic()
    held, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    source = broker.source(topic, "g")
    await claimed(source)
    source.hold(held, 1)
    await broker.send(held, b"a", b"b")
    await broker.send(other, b"x")
    assert values(await read(source, 1)) == [b"x"]
    assert list(await source.poll(10, 0.3)) == []
    source.seek(held, 1)
    assert values(await read(source, 1)) == [b"b"]


async def test_a_seek_outside_of_the_topic_stops(broker: Broker) -> None:
    """Jumping to an offset that is there would lose records, or double them."""
    topic = await broker.topic()
    place = TopicPartition(topic, 0)
    source = broker.source(topic, "g")
    await claimed(source)
    source.seek(place, 7)
    with pytest.raises(OffsetError):
        await read(source, 1)


async def test_what_is_not_ours_cannot_be_sought(broker: Broker) -> None:
    """A partition may be taken away between poll and seek: that is no error."""
    topic = await broker.topic()
    source = broker.source(topic, "g")
    await claimed(source)
    strange = TopicPartition("danbao.escrow.commands", 0)
    source.seek(strange, 0)
    source.hold(strange, 0)


async def test_a_poll_without_records_ends(broker: Broker) -> None:
    """The worker looks at its other duties."""
    topic = await broker.topic()
    source = broker.source(topic, "g")
    await claimed(source)
    async with asyncio.timeout(WITHIN_S):
        assert list(await source.poll(10, 0.05)) == []
        assert list(await source.poll(10, 0)) == []


async def test_a_waiting_poll_ends_when_a_record_comes(broker: Broker) -> None:
    """Nobody waits longer than there is nothing to do."""
    topic = await broker.topic()
    source = broker.source(topic, "g")
    await claimed(source)
    waiting = asyncio.create_task(read(source, 1))
    await asyncio.sleep(0.05)
    await broker.send(TopicPartition(topic, 5), b"a")
    assert values(await waiting) == [b"a"]


async def test_two_members_share_the_partitions_and_one_takes_over(broker: Broker) -> None:
    """Any number of workers run side by side; when one leaves, the rest go on."""
    topic = await broker.topic()
    everything = {TopicPartition(topic, n) for n in range(broker.partitions)}
    one, two = broker.source(topic, "g"), broker.source(topic, "g")
    assert await claimed(one) == everything
    await two.start()
    halves = await asyncio.gather(claim_next(one), claim_next(two))
    assert halves[0] | halves[1] == everything
    assert not halves[0] & halves[1]
    assert {len(half) for half in halves} == {broker.partitions // 2}
    await two.close()
    assert await claim_next(one) == everything, "what stayed is claimed anew too"


async def test_groups_read_each_for_itself(broker: Broker) -> None:
    """Every service sees every event."""
    topic = await broker.topic()
    sources = [broker.source(topic, group) for group in ("g", "h")]
    await asyncio.gather(*map(claimed, sources))
    await broker.send(TopicPartition(topic, 0), b"a")
    for source in sources:
        assert values(await read(source, 1)) == [b"a"]


async def test_aborted_records_are_not_given(broker: Broker) -> None:
    """What was not committed never happened; its offsets are gaps."""
    topic = await broker.topic()
    place = TopicPartition(topic, 0)
    await broker.send(place, b"a")
    await broker.abort_some(place, 3)
    await broker.send(place, b"b")
    source = broker.source(topic, "g")
    await claimed(source)
    first, second = await read(source, 2)
    assert (first.offset, first.value, second.value) == (0, b"a", b"b")
    assert second.offset >= 4, "three records; Kafka may write the end of an abort a bit later"
    assert await source.bounds([place]) == {place: (0, 6)}
