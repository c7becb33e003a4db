"""Commands that nobody has read, saved before their topic is made anew and sent again after.

Kafka cannot take partitions away from a topic; whoever added some has to make it anew. What waits
in it goes to a file of the home first, so that a crash in between loses nothing.
"""

from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from danbao.kernel.kafka.clients import make_producer
from danbao.kernel.messages import Record, TopicPartition
from danbao.kernel.records import partition_of
from danbao.kernel.topics import MESSAGE_BYTES_MAX
from danbao.recovery.reading import bounds_of, reader_of, records_from

FILE = "recovery-unread.jsonl"

_headers = list[tuple[str, str]]
_line = tuple[str, str | None, str | None, _headers]
_decode = msgspec.json.Decoder(_line).decode
_encode = msgspec.json.Encoder().encode


async def save_unread(
    home: Path,
    bootstrap: str,
    places: Collection[TopicPartition],
    read_to: Mapping[TopicPartition, int],
) -> int:
    """Append what was not read of command partitions to the file; gives the number of records."""
    count = 0
    with (home / FILE).open("ab") as file:
        async with reader_of(bootstrap, places) as consumer:
            bounds = await bounds_of(bootstrap, consumer, places)
            starts = {place: max(b, read_to.get(place, 0)) for place, (b, _) in bounds.items()}
            ends = {place: end for place, (_, end) in bounds.items()}
            async for records in records_from(consumer, starts, ends):
                file.writelines(_encode(_as_line(record)) + b"\n" for record in records)
                count += len(records)
        file.flush()
    return count


async def send_unread(home: Path, bootstrap: str, partitions: int) -> int:
    """Send what was saved to the partitions where it belongs, then forget the file."""
    path = home / FILE
    if not path.exists():
        return 0
    lines = path.read_bytes().splitlines()
    producer = make_producer(
        bootstrap, client_id="danbao-recovery", max_request_size=MESSAGE_BYTES_MAX
    )
    await producer.start()
    try:
        sent = []
        for line in lines:
            topic, key, value, headers = _decode(line)
            name = _bytes(key)
            number = partition_of((name or b"").decode(errors="replace"), partitions)
            raw = [(header, b64decode(text)) for header, text in headers]
            sent.append(
                await producer.send(topic, _bytes(value), name, partition=number, headers=raw)
            )
        for future in sent:
            await future
    finally:
        await producer.stop()
    path.unlink()
    return len(lines)


def _as_line(record: Record) -> tuple[object, ...]:
    headers = [(name, _text(value or b"")) for name, value in record.headers]
    return (record.place.topic, _text(record.key), _text(record.value), headers)


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
