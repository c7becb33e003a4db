"""I7: the events topics hold the log, each event once, in order, saying what came before it."""

from collections.abc import Iterator

from danbao.contracts.catalogue import SERVICES
from danbao.kernel.messages import LogRow, Record
from danbao.kernel.topics import events_topic
from danbao.testing.simulation.world import World


def published_problems(world: World) -> Iterator[str]:
    """Compare topics and log."""
    log = world.tables.log
    seen: dict[int, str] = {}
    for place in world.broker.places(events_topic(service) for service in SERVICES):
        where, previous = f"{place.topic}/{place.partition}", 0
        for record in world.broker.partition(place).slots:
            if record is None:
                continue
            headers = {name: (value or b"").decode() for name, value in record.headers}
            position, said = int(headers["ce_sequence"]), int(headers["ce_prevsequence"])
            if position <= previous or said != previous:
                yield f"{where} {record.offset}: {position} says it follows {said}, not {previous}"
            if position in seen:
                yield f"position {position} lies in {seen[position]} and in {where}"
            seen[position], previous = where, position
            if not 0 < position <= len(log):
                yield f"{where} {record.offset}: the log has no position {position}"
                continue
            if problem := _difference(record, headers, log[position - 1]):
                yield f"{where} {record.offset}: {problem} is not that of position {position}"
    missing = sorted(set(range(1, len(log) + 1)) - set(seen))
    if missing:
        yield f"{len(missing)} positions were not published, the first is {missing[0]}"


def _difference(record: Record, headers: dict[str, str], row: LogRow) -> str:
    """Name what a record says otherwise than the log."""
    said = {
        "key": (record.key or b"").decode(),
        "data": (record.value or b"").decode(),
        **{name: headers.get(name) for name in _HEADERS},
    }
    expected = {
        "key": row.partition_key,
        "data": row.data,
        "ce_id": row.event_id,
        "ce_type": row.type,
        "ce_subject": row.stream,
        "ce_streamversion": str(row.version),
        "ce_causationid": row.causation_id,
        "ce_correlationid": row.correlation_id,
        "ce_partitionkey": row.partition_key,
        "ce_postings": row.postings,
        "ce_actor": row.actor,
    }
    different = [name for name, value in expected.items() if said[name] != value]
    return ", ".join(different)


_HEADERS = (
    "ce_id",
    "ce_type",
    "ce_subject",
    "ce_streamversion",
    "ce_causationid",
    "ce_correlationid",
    "ce_partitionkey",
    "ce_postings",
    "ce_actor",
)
