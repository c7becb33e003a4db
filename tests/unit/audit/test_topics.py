"""Topics that lost, doubled, reordered or changed what the log says are found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.audit.murmur import murmur2, partition_of
from tests.unit.audit.forgery import Forgery, Register, assert_flagged

if TYPE_CHECKING:
    from tests.audit.rows import Record
    from tests.unit.audit.scribe import History

register = Register()
bad = register.bad
HEADERS = (
    *("ce_specversion", "ce_id", "ce_time", "ce_subject", "ce_type", "ce_partitionkey"),
    *("ce_causationid", "ce_correlationid", "ce_streamversion", "ce_schemaversion"),
    *("content-type", "ce_postings"),
)


def put(record: Record, name: str, value: str | None) -> None:
    """Change one header, or take it away."""
    headers = {**dict(record.headers), name: value}
    record.headers = tuple(
        (n, v.encode() if isinstance(v, str) else v) for n, v in headers.items() if v is not None
    )


def released(h: History) -> Record:
    """Return a record that carries postings."""
    return h.record("escrow.trade_released")


@bad("kafka.missing")
def a_record_lost(h: History) -> None:
    h.records.remove(released(h))


@bad("kafka.missing", alone=True)
def the_last_record_not_relayed(h: History) -> None:
    del h.records[-1]
    h.read_on()


@bad("kafka.missing")
def all_records_lost(h: History) -> None:
    h.records.clear()


@bad("kafka.chain")
def a_hole_in_the_chain(h: History) -> None:
    h.records.remove(h.record("escrow.trade_created"))


@bad("kafka.chain", alone=True)
def a_previous_sequence_edited(h: History) -> None:
    put(released(h), "ce_prevsequence", "1")


@bad("kafka.chain", alone=True)
def a_previous_sequence_missing(h: History) -> None:
    put(h.records[0], "ce_prevsequence", None)


@bad("kafka.chain")
def the_first_record_of_a_partition_lost(h: History) -> None:
    lane = (released(h).topic, released(h).partition)
    h.records.remove(next(r for r in h.records if (r.topic, r.partition) == lane))


@bad("kafka.once")
def a_record_twice(h: History) -> None:
    h.records.append(released(h))


@bad("kafka.once")
def a_record_twice_in_a_row(h: History) -> None:
    h.records.insert(h.records.index(released(h)), released(h))


@bad("kafka.order")
def two_records_of_a_partition_swapped(h: History) -> None:
    first = released(h)
    lane = [r for r in h.records if (r.topic, r.partition) == (first.topic, first.partition)]
    one, other = (h.records.index(record) for record in lane[:2])
    h.records[one], h.records[other] = h.records[other], h.records[one]


@bad("kafka.unknown")
def a_record_of_an_aborted_transaction(h: History) -> None:
    record = released(h)
    put(record, "ce_sequence", "9999")


@bad("kafka.unknown")
def a_record_without_a_position(h: History) -> None:
    put(released(h), "ce_sequence", None)


@bad("kafka.unknown")
def a_record_of_another_shard(h: History) -> None:
    put(released(h), "ce_shard", "3")


@bad("kafka.topic")
def a_record_in_the_topic_of_another_service(h: History) -> None:
    released(h).topic = "danbao.settlement.events"


@bad("kafka.key", alone=True)
def a_record_under_another_key(h: History) -> None:
    released(h).key = b"T-9"


@bad("kafka.key", alone=True)
def a_record_without_a_key(h: History) -> None:
    released(h).key = None


@bad("kafka.value", alone=True)
def a_value_edited(h: History) -> None:
    record = released(h)
    record.value = (record.value or b"").replace(b"12345", b"12346")


@bad("kafka.value", alone=True)
def a_value_written_in_other_bytes(h: History) -> None:
    record = released(h)
    record.value = (record.value or b"").replace(b": ", b":")


@bad("kafka.value", alone=True)
def a_value_gone(h: History) -> None:
    released(h).value = None


@bad("kafka.headers", alone=True)
def a_header_twice(h: History) -> None:
    record = released(h)
    record.headers = (*record.headers, record.headers[0])


@bad("kafka.headers", alone=True)
def postings_where_there_are_none(h: History) -> None:
    put(h.record("escrow.trade_created"), "ce_postings", "[]")


@bad("kafka.headers", alone=True)
def a_time_a_microsecond_off(h: History) -> None:
    record = h.records[0]
    time = (dict(record.headers)["ce_time"] or b"").decode()
    put(record, "ce_time", time.replace("17Z", "18Z"))


@bad("kafka.headers", alone=True)
def a_time_without_zone(h: History) -> None:
    record = h.records[0]
    put(record, "ce_time", (dict(record.headers)["ce_time"] or b"").decode().removesuffix("Z"))


@bad("kafka.murmur2", alone=True)
def a_flow_in_a_partition_where_its_key_does_not_belong(h: History) -> None:
    for record in h.records:
        record.partition = (record.partition + 1) % 8
    h.read_on()


@bad("kafka.partition")
def a_flow_in_two_partitions(h: History) -> None:
    record = released(h)
    record.partition = (record.partition + 1) % 8


@register.cases()
def test_a_forged_topic_is_flagged(forgery: Forgery) -> None:
    """Each forgery trips the check that is there for it."""
    assert_flagged(forgery)


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("value", ["forged", None])
def test_a_forged_header_is_flagged(name: str, value: str | None) -> None:
    """Every header is one column of the row, or fixed by the contract."""

    def forge(h: History) -> None:
        put(released(h), name, value)

    assert_flagged(Forgery("kafka.headers", forge, alone=True, sealed=False, numbered=False))


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_the_one_of_kafka(key: bytes, hashed: int) -> None:
    """The vectors of Kafka's own unit test (UtilsTest.testMurmur2)."""
    assert murmur2(key) == hashed & 0xFFFFFFFF
    assert partition_of(key, 8) == (hashed & 0x7FFFFFFF) % 8
