"""Log lines for people and programs, and what is asked for."""

import json
from datetime import UTC, datetime

import pytest

from danbao.analysis.cloud_events import cloud_event
from danbao.analysis.wanted import Wanted
from danbao.cli.log import event_line
from danbao.kernel.messages import LogRow

ROW = LogRow(
    shard=0,
    position=642,
    stream="trade/T-1",
    version=1,
    type="escrow.trade_created.v1",
    schema_version=1,
    partition_key="T-1",
    event_id="b320d972-ef28-5c51-8b21-4a572295f6e0",
    causation_id="35bf992d-c9e9-4616-a12e-7696a6cecc1b",
    correlation_id="35bf992d-c9e9-4616-a12e-7696a6cecc1b",
    actor="buyer:B-7",
    traceparent=None,
    recorded_at=datetime(2026, 11, 23, 23, 20, 48, 565_465, tzinfo=UTC),
    data='{"title":"茶","b":1}',
    postings='[{"debit":"a","credit":"b","minor":1,"currency":"CNY"}]',
)


def test_an_event_is_printed_as_the_cloud_event_it_is_in_kafka() -> None:
    """A program may read the log here or in Kafka and sees the same attributes."""
    text = cloud_event(ROW)
    event = json.loads(text)

    assert "\n" not in text
    assert '"data":{"title":"茶","b":1}' in text
    assert event["sequence"] == "642"
    assert event["subject"] == "trade/T-1"
    assert event["actor"] == "buyer:B-7"
    assert event["time"] == "2026-11-23T23:20:48.565465Z"
    assert json.loads(event["postings"])[0]["minor"] == 1
    assert "prevsequence" not in event


def test_an_event_takes_one_line_on_the_terminal() -> None:
    """Place, time, type, stream with version, flow, and as much of the data as there is room."""
    line = event_line(ROW, 120)

    assert line.split()[:7] == [
        "642",
        "2026-11-23",
        "23:20:48.565",
        "escrow.trade_created.v1",
        "trade/T-1",
        "v1",
        "flow",
    ]
    assert event_line(ROW, 60).endswith("…")


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (Wanted(), True),
        (Wanted(type="escrow.*"), True),
        (Wanted(type="*created*"), True),
        (Wanted(type="escrow.trade_created"), False),
        (Wanted(type="escrow?trade_created.v1"), False),
        (Wanted(flow="T-1", stream="trade/T-1"), True),
        (Wanted(flow="T-2"), False),
        (Wanted(flow="T-1", stream="trade/T-2"), False),
    ],
)
def test_only_events_asked_for_are_taken(wanted: Wanted, takes: bool) -> None:
    """All that is given must fit; only the star stands for something else."""
    assert wanted.takes(ROW) is takes
    assert not Wanted(type="accounts.*").takes(ROW)


def test_a_type_pattern_means_the_same_to_the_database() -> None:
    """An underscore is a letter of a type, not SQL's wildcard."""
    assert Wanted(type="escrow.trade_*").like == r"escrow.trade\_%"
    assert Wanted().like is None
