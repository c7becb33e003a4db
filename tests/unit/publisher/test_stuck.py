"""What is said about flows that cannot go on."""

from tests.unit.publisher.lines import CREATED, FUNDED, begun, line, taken

from danbao.publisher.stuck import FlowsStuckError


def test_a_stuck_flow_says_what_it_waits_for() -> None:
    """Whoever reads the error knows which event or answer is missing."""
    waiting = line("T", "2", CREATED, FUNDED, FUNDED)
    waiting.number = 7
    schedule = begun([line("T", "1"), waiting, line("U", "3")])
    taken(schedule)
    schedule.observe("T", FUNDED, "x")

    trade, other = schedule.stuck()

    assert (trade.flow, trade.line, trade.unanswered) == ("T", 7, ["1"])
    assert trade.missing == {CREATED: 1, FUNDED: 1}
    assert trade.seen == {FUNDED: 1}
    assert str(trade) == (
        "T at day.jsonl:7 waits for e.created.v1 (1 needed, 0 seen), "
        "e.funded.v1 (2 needed, 1 seen), the answer to 1\n    it saw e.funded.v1"
    )
    assert str(other) == (
        "U after its last line of day.jsonl waits for the answer to 3\n    it saw nothing"
    )
    both, one = FlowsStuckError(5, 2, [trade, other]), FlowsStuckError(5, 1, [trade])
    assert "2 flows are stuck:\n  T at day.jsonl:7" in str(both)
    assert "1 flow is stuck:" in str(one)
    assert "dead-letters" in both.todo


def test_only_the_first_twenty_stuck_flows_are_described() -> None:
    """An error stays readable when everything stands still."""
    assert len(begun([line(f"T{n}", str(n)) for n in range(50)]).stuck()) == 20
