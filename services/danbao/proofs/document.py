"""Proofs as documents: self-contained JSON that a stranger checks with nothing but a public key.

There is one way to write each proof, so that changing any byte of it is found.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from danbao.proofs.checkpoint import Checkpoint, open_checkpoint
from danbao.proofs.consistency import check_consistency
from danbao.proofs.errors import InconsistentError, MalformedError
from danbao.proofs.inclusion import check_inclusion
from danbao.proofs.leaf import leaf_hash, micros_of, row_hash
from danbao.proofs.note import PublicKey

FORMAT = "danbao-proof/1"
BYTES_MAX = 64 * 1024 * 1024


class ProvedEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the log, whole, with its path to the root."""

    shard: int
    position: int
    recorded_at: str
    """RFC 3339 in UTC, to the microsecond."""
    stream: str
    version: int
    type: str
    schema_version: int
    partition_key: str
    event_id: str
    causation_id: str
    correlation_id: str
    actor: str | None
    data: str
    """The JSON text as the log keeps it."""
    postings: str | None
    path: tuple[str, ...]
    """Hashes in hexadecimal, the nearest first."""

    def leaf(self) -> bytes:
        """The leaf that this row comes to.

        Raises:
            MalformedError: the time is not written as it always is.
        """
        fields = (
            self.stream,
            self.version,
            self.type,
            self.schema_version,
            self.partition_key,
            self.event_id,
            self.causation_id,
            self.correlation_id,
            self.actor,
            self.data,
            self.postings,
        )
        micros = micros_of(parse_time(self.recorded_at))
        return leaf_hash(self.shard, self.position, micros, row_hash(fields))


class EventProof(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="event", tag_field="kind"
):
    """One event is in the log."""

    format: str
    about: int
    """Its position."""
    events: tuple[ProvedEvent, ...]
    checkpoint: str


class TradeProof(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="trade", tag_field="kind"
):
    """These events of one trade's flow are in the log."""

    format: str
    about: str
    """The trade's id, the partition key of all its events."""
    events: tuple[ProvedEvent, ...]
    checkpoint: str


class ConsistencyProof(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="consistency", tag_field="kind"
):
    """The log of the new checkpoint continues that of the old one: nothing of it was changed."""

    format: str
    old: str
    new: str
    path: tuple[str, ...]


Proof: TypeAlias = EventProof | TradeProof | ConsistencyProof

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Proof, strict=True).decode


def write_proof(proof: Proof) -> bytes:
    """Write a proof, in the one way there is."""
    return _encode(proof) + b"\n"


def read_proof(raw: bytes) -> Proof:
    """Read a proof.

    Raises:
        MalformedError: it is none, or not written in the one way there is.
    """
    if len(raw) > BYTES_MAX:
        raise MalformedError("too long for a proof")
    try:
        proof: Proof = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"no proof: {error}") from error
    if proof.format != FORMAT:
        raise MalformedError(f"not of the format {FORMAT}")
    if write_proof(proof) != raw:
        raise MalformedError("not written as proofs are: it was changed")
    return proof


def check_proof(proof: Proof, keys: Iterable[PublicKey]) -> Checkpoint:
    """Check a proof against trusted keys; gives the checkpoint that it rests on, the newer of two.

    Raises:
        ProofError: it proves nothing.
    """
    trusted = list(keys)
    if isinstance(proof, ConsistencyProof):
        return _check_consistency(proof, trusted)
    checkpoint, _ = open_checkpoint(proof.checkpoint, trusted)
    positions = [event.position for event in proof.events]
    if not positions or positions != sorted(set(positions)):
        raise MalformedError("events stand in the order of their positions, each once")
    for event in proof.events:
        path = hashes(event.path)
        try:
            check_inclusion(
                event.leaf(), event.position - 1, checkpoint.size, path, checkpoint.root
            )
        except InconsistentError as error:
            raise InconsistentError(f"event {event.position}: {error}") from error
    if isinstance(proof, TradeProof):
        _check_trade(proof)
    elif positions != [proof.about]:
        raise InconsistentError(f"this is not event {proof.about}")
    return checkpoint


def _check_trade(proof: TradeProof) -> None:
    """All events are of the trade's flow, and its own stream has no hole."""
    if any(event.partition_key != proof.about for event in proof.events):
        raise InconsistentError(f"an event is not of trade {proof.about}")
    own = f"trade/{proof.about}"
    versions = [event.version for event in proof.events if event.stream == own]
    if versions != list(range(1, len(versions) + 1)) or not versions:
        raise InconsistentError(f"events of stream {own} are missing")


def _check_consistency(proof: ConsistencyProof, keys: Sequence[PublicKey]) -> Checkpoint:
    old, _ = open_checkpoint(proof.old, keys)
    new, _ = open_checkpoint(proof.new, keys)
    if old.origin != new.origin:
        raise InconsistentError(f"two logs: {old.origin} and {new.origin}")
    check_consistency(old.size, new.size, old.root, new.root, hashes(proof.path))
    return new


def hashes(texts: Iterable[str]) -> list[bytes]:
    """Read the hashes of a path.

    Raises:
        MalformedError: one is not written as it always is.
    """
    found = []
    for text in texts:
        try:
            raw = bytes.fromhex(text)
        except ValueError as error:
            raise MalformedError("a hash is 64 hexadecimal digits") from error
        if raw.hex() != text or len(raw) != 32:  # noqa: PLR2004 - SHA-256
            raise MalformedError("a hash is 64 hexadecimal digits")
        found.append(raw)
    return found


def time_text(at: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Read a time that `time_text` wrote.

    Raises:
        MalformedError: it did not.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedError(f"no time: {text[:40]!r}") from error
    if at.tzinfo is None or time_text(at) != text:
        raise MalformedError(f"a time is written to the microsecond, in UTC: {text[:40]!r}")
    return at
