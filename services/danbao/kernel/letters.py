"""Dead letters as Postgres keeps them: every byte, whatever it is."""

from base64 import b64decode, b64encode

import asyncpg
import msgspec

from danbao.kernel.messages import DeadLetter, KeptLetter, Record, TopicPartition

_headers = msgspec.json.Decoder(list[tuple[str, str]])


def letter_columns(service: str, letter: DeadLetter) -> tuple[object, ...]:
    """The columns of a letter that is set aside."""
    record = letter.record
    headers = [
        (name.replace("\x00", ""), b64encode(value or b"").decode())
        for name, value in record.headers
    ]
    return (
        service,
        *record.place,
        record.offset,
        letter.partition_key,
        letter.reason,
        clean_detail(letter),
        record.key,
        record.value,
        msgspec.json.encode(headers).decode(errors="replace"),
    )


def clean_detail(letter: DeadLetter) -> str:
    """The detail as text that Postgres can keep."""
    return letter.detail.replace("\x00", "\ufffd")


def to_kept_letter(place: TopicPartition, row: asyncpg.Record) -> KeptLetter:
    """A letter's record as it came."""
    headers = [(name, b64decode(value)) for name, value in _headers.decode(row["headers"])]
    record = Record(place, row["record_offset"], row["key"], row["value"], headers)
    return KeptLetter(row["id"], record, row["reason"], row["is_requested"])
