"""Kafka's murmur2 (seed 0x9747b28c), by which the contract assigns keys to partitions."""

from __future__ import annotations

from typing import Final

SEED: Final = 0x9747B28C
MIX: Final = 0x5BD1E995
WORD: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Hash as Kafka's default partitioner does, before the sign bit is cleared."""
    length = len(data)
    state = (SEED ^ length) & WORD
    whole = length & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * MIX & WORD
        word = (word ^ word >> 24) * MIX & WORD
        state = (state * MIX & WORD) ^ word
    if length & 3:
        state = (state ^ int.from_bytes(data[whole:], "little")) * MIX & WORD
    state = (state ^ state >> 13) * MIX & WORD
    return state ^ state >> 15


def partition_of(key: bytes, partition_count: int) -> int:
    """Return the partition where a key belongs."""
    return (murmur2(key) & 0x7FFFFFFF) % partition_count
