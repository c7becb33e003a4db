"""Which headers of an event are read, wherever its producer put them."""

from datetime import UTC, datetime
from random import Random

import pytest

from danbao.kernel.messages import LogRow
from danbao.kernel.records import event_headers
from danbao.publisher.reader import sought

ROW = LogRow(
    shard=0,
    position=17,
    stream="trade-T",
    version=1,
    type="escrow.trade_created.v1",
    schema_version=1,
    partition_key="T",
    event_id="e-1",
    causation_id="c-1",
    correlation_id="c-0",
    actor=None,
    traceparent=None,
    recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    data="{}",
    postings=None,
)
HEADERS = event_headers(ROW, 16)
VALUES = (b"escrow.trade_created.v1", b"17", b"c-1")


def test_headers_are_where_our_relay_writes_them() -> None:
    """The quick way is the usual one: a relay that writes them elsewhere must change the reader."""
    names = [HEADERS[place][0] for place in (3, 11, 14)]

    assert names == ["ce_type", "ce_sequence", "ce_causationid"]
    assert sought(HEADERS) == VALUES


@pytest.mark.parametrize("seed", range(20))
def test_headers_in_any_other_order_are_read_right(seed: int) -> None:
    """CloudEvents promise no order: other producers have their own."""
    shuffled = Random(seed).sample(HEADERS, len(HEADERS))

    assert sought(shuffled) == VALUES


def test_events_with_few_headers_are_read_right() -> None:
    """Nobody has to write more than the contract asks for."""
    few = [header for header in HEADERS if header[0] in {"ce_causationid", "ce_sequence"}]

    assert sought([*few, ("ce_type", VALUES[0])]) == VALUES


def test_a_missing_header_is_an_error() -> None:
    """An event without a sequence cannot be told from its double."""
    without = [header for header in HEADERS if header[0] != "ce_sequence"]

    with pytest.raises(KeyError, match="ce_sequence"):
        sought(without)
