"""What every sink promises: the contract's headers, order within a partition, one publisher."""

from collections import defaultdict
from datetime import UTC, datetime

import pytest
from tests.conformance.brokers import Broker
from tests.conformance.writing import timer

from danbao.kernel.errors import OutcomeUnknownError
from danbao.kernel.messages import LogRow, Numbered, Record, TopicPartition
from danbao.kernel.ports import EventSink
from danbao.kernel.records import partition_of
from danbao.kernel.topics import commands_topic, events_topic

AT = datetime(2026, 3, 2, 12, 0, 0, 7, tzinfo=UTC)


def row(position: int, flow: str = "T-1", **changes: object) -> LogRow:
    """A row of the log as the relay reads it."""
    fields: dict[str, object] = {
        "shard": 0,
        "position": position,
        "stream": f"trade/{flow}",
        "version": 1,
        "type": "escrow.trade_funded.v1",
        "schema_version": 1,
        "partition_key": flow,
        "event_id": "11111111-1111-5111-8111-111111111111",
        "causation_id": "22222222-2222-5222-8222-222222222222",
        "correlation_id": "c-1",
        "actor": None,
        "traceparent": None,
        "recorded_at": AT,
        "data": '{"title":"茶 🙂"}',
        "postings": None,
    }
    return LogRow(**(fields | changes))  # type: ignore[arg-type]


def number(sink: EventSink, held: dict[TopicPartition, int], *rows: LogRow) -> list[Numbered]:
    """Give each row its partition's previous position, as the relay does."""
    chunk: list[Numbered] = []
    for each in rows:
        place = sink.place_of(each)
        chunk.append((place, held[place], each))
        held[place] = each.position
    return chunk


async def publish(sink: EventSink, rows: list[Numbered]) -> None:
    """Publish rows, as the relay does."""
    await sink.publish(await sink.prepare(rows))


async def published(broker: Broker, after: int) -> list[Record]:
    """What escrow's topic holds beyond a position, by position."""
    records = await broker.records(events_topic("escrow"))
    found = {int(dict(record.headers)["ce_sequence"]): record for record in records}
    assert len(found) == len(records), "no event is there twice"
    return [found[position] for position in sorted(found) if position > after]


async def test_an_event_carries_all_that_re_makes_its_row(broker: Broker) -> None:
    """With its headers a record is its log row, leaf hash included."""
    sink = broker.event_sink()
    held = await sink.open()
    start = max(held.values())
    before = dict(held)
    full = row(
        start + 1,
        actor="buyer:B-1",
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        postings='[{"debit":"R.CB","credit":"R.X","minor":1,"currency":"CNY"}]',
    )
    bare = row(start + 2)
    await publish(sink, number(sink, held, full, bare))
    first, second = await published(broker, start)
    assert first.place == sink.place_of(full)
    assert (first.key, first.value) == (b"T-1", full.data.encode())
    headers = dict(first.headers)
    assert len(headers) == len(first.headers)
    assert {name: value.decode() for name, value in headers.items()} == {
        "ce_specversion": "1.0",
        "ce_id": full.event_id,
        "ce_type": "escrow.trade_funded.v1",
        "ce_source": "danbao/escrow",
        "ce_time": "2026-03-02T12:00:00.000007Z",
        "ce_subject": "trade/T-1",
        "ce_partitionkey": "T-1",
        "ce_shard": "0",
        "ce_sequence": str(start + 1),
        "ce_prevsequence": str(before[first.place]),
        "ce_streamversion": "1",
        "ce_schemaversion": "1",
        "ce_causationid": full.causation_id,
        "ce_correlationid": "c-1",
        "ce_dataschema": "danbao:events/escrow/trade_funded.v1",
        "content-type": "application/json",
        "ce_actor": "buyer:B-1",
        "ce_traceparent": full.traceparent,
        "ce_postings": full.postings,
    }
    absent = set(headers) - set(dict(second.headers))
    assert absent == {"ce_actor", "ce_traceparent", "ce_postings"}
    assert dict(second.headers)["ce_prevsequence"] == b"%d" % (start + 1)


async def test_a_flow_has_the_partition_that_every_client_computes(broker: Broker) -> None:
    """Murmur2 of the key: a reader in another language finds the flow."""
    sink = broker.event_sink()
    for flow in ("T-1", "名", "x" * 64):
        place = sink.place_of(row(1, flow))
        assert place == (events_topic("escrow"), partition_of(flow, broker.partitions))


async def test_each_partition_is_a_chain_of_positions(broker: Broker) -> None:
    """A reader drops doubles and stops at a hole."""
    sink = broker.event_sink()
    held = await sink.open()
    start, before = max(held.values()), dict(held)
    rows = [row(start + n, f"T-{n % 11}") for n in range(1, 61)]
    for chunk in (rows[:25], rows[25:]):
        await publish(sink, number(sink, held, *chunk))
    chains: dict[TopicPartition, int] = defaultdict(int, before)
    records = await published(broker, start)
    assert len(records) == len(rows)
    for record in records:
        headers = dict(record.headers)
        assert int(headers["ce_prevsequence"]) == chains[record.place]
        chains[record.place] = int(headers["ce_sequence"])
    places = {record.place for record in records}
    for place in places:
        of_place = [record for record in records if record.place == place]
        assert of_place == sorted(of_place, key=lambda record: record.offset)


async def test_a_new_publisher_finds_what_each_partition_holds(broker: Broker) -> None:
    """It goes on from what Kafka says, never from what it believes to have sent."""
    sink = broker.event_sink()
    held = await sink.open()
    start = max(held.values())
    await publish(sink, number(sink, held, *(row(start + n, f"T-{n}") for n in range(1, 9))))
    await sink.close()
    assert await broker.event_sink().open() == held


@pytest.mark.parametrize("aborted", [1, 40])
async def test_aborted_transactions_do_not_hide_the_last_position(
    broker: Broker, aborted: int
) -> None:
    """Offsets are not events: the last one may lie far before the end."""
    sink = broker.event_sink()
    held = await sink.open()
    start = max(held.values())
    await publish(sink, number(sink, held, row(start + 1)))
    place = sink.place_of(row(start + 1))
    for _ in range(3):
        await broker.abort_some(place, aborted)
    again = await sink.open()
    assert again == held
    await publish(sink, number(sink, again, row(start + 2)))
    records = await published(broker, start)
    assert [int(dict(record.headers)["ce_sequence"]) for record in records] == [
        start + 1,
        start + 2,
    ]


async def test_an_earlier_publisher_is_fenced(broker: Broker) -> None:
    """A relay that was thought dead cannot publish an event a second time."""
    old, new = broker.event_sink(), broker.event_sink()
    held = await old.open()
    start = max(held.values())
    await publish(old, number(old, dict(held), row(start + 1)))
    again = await new.open()
    with pytest.raises(OutcomeUnknownError):
        await publish(old, number(old, dict(again), row(start + 2)))
    await publish(new, number(new, again, row(start + 2, "T-2")))
    records = await published(broker, start)
    assert [record.key for record in records] == [b"T-1", b"T-2"]


async def test_an_earlier_publisher_is_fenced_where_it_never_wrote(broker: Broker) -> None:
    """A partition that knows neither of the two must know which one is the later."""
    old, new = broker.event_sink(), broker.event_sink()
    held = await old.open()
    start = max(held.values())
    await new.open()
    rows = [row(start + n, f"T-{n}") for n in range(1, 41)]
    assert {old.place_of(each).partition for each in rows} == set(range(broker.partitions))
    with pytest.raises(OutcomeUnknownError):
        await publish(old, number(old, held, *rows))
    assert await published(broker, start) == []


async def test_a_deadline_becomes_a_command_of_its_service(broker: Broker) -> None:
    """It looks like anybody's command; its id is the timer's."""
    due = timer("deadline")
    sink = broker.command_sink()
    await sink.send([due], AT)
    topic = commands_topic("escrow")
    records = [r for r in await broker.records(topic) if r.key == b"T-1"]
    record = records[-1]
    assert record.place == (topic, partition_of("T-1", broker.partitions))
    assert record.value == due.data.encode()
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": due.timer_id.encode(),
        "ce_type": b"escrow.time_out_payment.v1",
        "ce_source": b"danbao/scheduler",
        "ce_time": b"2026-03-02T12:00:00.000007Z",
        "ce_partitionkey": b"T-1",
        "ce_correlationid": b"c-1",
        "content-type": b"application/json",
    }
