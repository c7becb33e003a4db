"""Ids and hashes: all ids of ours are derived, so that a replay makes the same ones.

Event and timer ids are UUIDv5 (RFC 9562) in the namespace of the log's incarnation, so two logs
never share one.
"""

from hashlib import sha256
from uuid import UUID

from danbao.contracts.ids import derived_id


def event_id(log: bytes, stream: str, version: int) -> str:
    """Id of the event that is the stream's nth; `log` is the incarnation's 16 bytes."""
    return derived_id(log, f"{stream}/{version}")


def timer_id(log: bytes, stream: str, name: str, generation: int) -> str:
    """Id of a deadline, and of the command that it sends."""
    return derived_id(log, f"{stream}/{name}/{generation}")


def reuse_id(command_id: str, body_sha256: bytes) -> str:
    """Name of the answer to another body under an id that is taken."""
    return derived_id(UUID(command_id).bytes, body_sha256.hex())


def record_hash(key: bytes | None, value: bytes | None, headers: bytes) -> bytes:
    """Hash of a Kafka record: the anchor by which a recreated topic is found."""
    return sha256(b"\x1f".join((key or b"", value or b"", headers))).digest()
