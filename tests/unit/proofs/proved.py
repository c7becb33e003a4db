"""A small log in memory, its proofs, and the stand-alone checker that users are given."""

import importlib.util
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from danbao.proofs.checkpoint import sign_checkpoint
from danbao.proofs.consistency import consistency_stretches
from danbao.proofs.document import (
    FORMAT,
    ConsistencyProof,
    EventProof,
    ProvedEvent,
    TradeProof,
    time_text,
)
from danbao.proofs.inclusion import inclusion_stretches
from danbao.proofs.note import PrivateKey
from danbao.proofs.tree import gather, root_of

KEY = PrivateKey.of_seed("danbao/test/0", bytes(range(32)))
OTHER = PrivateKey.of_seed("danbao/test/0", bytes(32))
ODD = 'a "cup" \\ 杯子 é \u2028 \x7f \b\t\n\f\r\x01 🍵'
"""Signs that two writers of JSON could write in two ways."""


def event(position: int) -> ProvedEvent:
    """An event of trade T-1, or every third of its payment; without its path."""
    is_own = position % 3 != 0
    return ProvedEvent(
        shard=0,
        position=position,
        recorded_at=time_text(datetime(2026, 1, 5, tzinfo=UTC) + timedelta(microseconds=position)),
        stream="trade/T-1" if is_own else "payment/P-1",
        version=position - position // 3 if is_own else position // 3,
        type="escrow.trade_created.v1",
        schema_version=1,
        partition_key="T-1",
        event_id=f"00000000-0000-5000-8000-{position:012}",
        causation_id="00000000-0000-4000-8000-000000000000",
        correlation_id=ODD,
        actor=None if is_own else "buyer:B-1",
        data=msgspec.json.encode({"title": ODD, "n": position}).decode(),
        postings=None if is_own else '[{"debit":"R.CB","credit":"R.CHRECV","minor":1}]',
        path=(),
    )


def leaves_of(size: int) -> list[bytes]:
    """The leaves of such a log."""
    return [event(position).leaf() for position in range(1, size + 1)]


def checkpoint_of(size: int, key: PrivateKey = KEY) -> str:
    """Its signed head."""
    return sign_checkpoint(key, size, root_of(leaves_of(size)))


def proved(position: int, size: int) -> ProvedEvent:
    """An event with its path."""
    stretches = inclusion_stretches(position - 1, size)
    found = gather(leaves_of(size), stretches)
    return msgspec.structs.replace(event(position), path=tuple(found[s].hex() for s in stretches))


def event_proof(position: int, size: int, key: PrivateKey = KEY) -> EventProof:
    """One event is in the log."""
    return EventProof(FORMAT, position, (proved(position, size),), checkpoint_of(size, key))


def trade_proof(size: int) -> TradeProof:
    """All events of the trade are in the log."""
    events = tuple(proved(position, size) for position in range(1, size + 1))
    return TradeProof(FORMAT, "T-1", events, checkpoint_of(size))


def consistency_proof(old: int, new: int) -> ConsistencyProof:
    """The log of `new` events continues that of `old`."""
    stretches = consistency_stretches(old, new)
    found = gather(leaves_of(new), stretches)
    path = tuple(found[stretch].hex() for stretch in stretches)
    return ConsistencyProof(FORMAT, checkpoint_of(old), checkpoint_of(new), path)


def stand_alone() -> Callable[[bytes, str], str]:
    """The checker of docs/examples, which knows nothing of the engine."""
    path = Path(__file__).parents[3] / "docs" / "examples" / "check_proof.py"
    spec = importlib.util.spec_from_file_location("check_proof", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check: Callable[[bytes, str], str] = module.check
    return check
