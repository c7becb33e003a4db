"""The numbers at the end of `danbao publish`."""

from rich.console import Console

from danbao.cli.publish_report import stuck_json, summary_json, summary_tables
from danbao.publisher import FlowsStuckError, Latency, Stuck, Summary

SUMMARY = Summary(
    commands=1_200,
    command_ids=1_190,
    flows=300,
    events={"escrow.trade_created.v1": 100, "escrow.command_rejected.v1": 2},
    refusals={"wrong_state": 2},
    declines={},
    seconds=2.0,
    latency=Latency(1_190, 12.0, 80.0, 95.0),
    start_late_s_max=0.0,
)


def test_a_run_is_summed_up_for_people() -> None:
    """Events, refusals and the rates; what did not happen has no empty table."""
    console = Console(width=100)
    with console.capture() as capture:
        for table in summary_tables(SUMMARY):
            console.print(table)
    lines = [" ".join(line.split()) for line in capture.get().splitlines()]

    assert "escrow.trade_created.v1 100" in lines
    assert "wrong_state 2" in lines
    assert "trades per second 50" in lines
    assert "commands per second 600" in lines
    assert "first answer, p99 ms 80" in lines
    assert "Declines" not in lines


def test_a_run_is_summed_up_for_programs() -> None:
    """Load runs read these names."""
    told = summary_json(SUMMARY)

    assert told["trades_per_s"] == 50.0
    assert told["latency"] == {"count": 1_190, "p50_ms": 12.0, "p99_ms": 80.0, "max_ms": 95.0}


def test_stuck_flows_are_told_one_by_one() -> None:
    """Each with the line it stands at and what it waits for."""
    stuck = Stuck("T-1", 7, {"escrow.trade_funded.v1": 1}, [])

    told = stuck_json(FlowsStuckError(60.0, 1, [stuck]))

    assert told["error"] == "flows_stuck"
    assert told["stuck"][0]["flow"] == "T-1"
    assert told["stuck"][0]["missing"] == {"escrow.trade_funded.v1": 1}
