"""The numbers at the end of `danbao publish`."""

from rich.console import Console

from danbao.cli.publish_report import stuck_json, summary_json, summary_tables
from danbao.publisher import Decline, FlowsStuckError, Latency, Refusal, Stuck, Summary

ID = "11111111-1111-4111-8111-111111111111"
REFUSALS = tuple(
    Refusal(
        file="day.jsonl",
        line=number,
        command_id=ID,
        command_type="escrow.ship_trade.v1",
        code="wrong_state",
        facts={"state": "WAIT_BUYER_PAY"},
        earlier=number == 2,
    )
    for number in (7, 2)
)
DECLINE = Decline(
    file="day.jsonl",
    line=9,
    command_id=ID,
    payment_id="P-1",
    payer="B-1",
    amount={"minor": 1_000, "currency": "CNY"},
    code="risk_declined",
    earlier=False,
)
SUMMARY = Summary(
    commands=1_200,
    command_ids=1_190,
    already_answered=4,
    repeats=0,
    flows=300,
    events={"escrow.trade_created.v1": 100, "escrow.command_rejected.v1": 2},
    refusals={"wrong_state": 2},
    declines={},
    refused=REFUSALS,
    declined=(DECLINE,),
    seconds=2.0,
    latency=Latency(1_190, 12.0, 80.0, 95.0),
    start_late_s_max=0.0,
)


def shown(shown_max: int | None) -> list[str]:
    console = Console(width=120)
    with console.capture() as capture:
        for table in summary_tables(SUMMARY, shown_max):
            console.print(table)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_a_run_is_summed_up_for_people() -> None:
    """Events, refusals and the rates; what did not happen has no empty table."""
    lines = shown(None)

    assert "escrow.trade_created.v1 100" in lines
    assert any(line.startswith("wrong_state 2 The entity is not in a state") for line in lines)
    assert "already answered before 4" in lines
    assert "trades per second 50" in lines
    assert "commands per second 600" in lines
    assert "first answer, p99 ms 80" in lines
    assert "Declined payments" not in lines
    assert "repeated lines 0" not in lines


def test_a_refused_command_is_named_by_its_line() -> None:
    """Whoever wrote the file finds the line, the id and the reason in one place."""
    lines = shown(None)

    assert "day.jsonl:7 escrow.ship_trade wrong_state state: WAIT_BUYER_PAY" in lines
    assert ID in lines
    assert f"(in an earlier run) {ID}" in lines
    assert "day.jsonl:9 P-1 B-1 10.00 CNY risk_declined" in lines


def test_only_so_many_refusals_are_shown_as_were_asked_for() -> None:
    """A file of a million refusals does not fill the screen; the title says what is left out."""
    one, none = shown(1), shown(0)

    assert "Refused commands, the first 1 of 2 (--refusals all shows them all)" in one
    assert not any("day.jsonl:2" in line for line in one)
    assert not any("day.jsonl" in line for line in none)


def test_a_run_is_summed_up_for_programs() -> None:
    """Load runs read these names."""
    told = summary_json(SUMMARY)

    assert told["trades_per_s"] == 50.0
    assert [(each["line"], each["code"]) for each in told["refused"]] == [
        (7, "wrong_state"),
        (2, "wrong_state"),
    ]
    assert told["declined"][0]["payment_id"] == "P-1"
    assert told["already_answered"] == 4
    assert told["latency"] == {"count": 1_190, "p50_ms": 12.0, "p99_ms": 80.0, "max_ms": 95.0}


def test_stuck_flows_are_told_one_by_one() -> None:
    """Each with the line it stands at and what it waits for."""
    stuck = Stuck("T-1", "day.jsonl", 7, {"escrow.trade_funded.v1": 1}, [])

    told = stuck_json(FlowsStuckError(60.0, 1, [stuck]))

    assert told["error"] == "flows_stuck"
    assert told["stuck"][0]["flow"] == "T-1"
    assert told["stuck"][0]["missing"] == {"escrow.trade_funded.v1": 1}
