"""The numbers at the end of a run."""

from array import array

import pytest

from danbao.publisher.answers import Answered
from danbao.publisher.flows import Schedule
from danbao.publisher.summary import Latency, Tally


def test_codes_are_read_from_refusals_and_declines_only() -> None:
    """All other events are counted unread: their bodies may be anything."""
    tally = Tally()
    tally.count("escrow.trade_created.v1", b"not even JSON")
    for code in ("wrong_state", "trade_unknown", "wrong_state"):
        body = f'{{"command_id":"x","facts":{{"code":1}},"code":"{code}"}}'.encode()
        tally.count("escrow.command_rejected.v1", body)
    tally.count("authorization.payment_declined.v1", b'{"code":"risk_declined"}')
    tally.commands = 8

    schedule = Schedule([])
    summary = tally.summary(schedule, Answered(schedule), seconds=2.0)

    assert summary.refusals == {"trade_unknown": 1, "wrong_state": 2}
    assert summary.declines == {"risk_declined": 1}
    assert summary.events == {
        "authorization.payment_declined.v1": 1,
        "escrow.command_rejected.v1": 3,
        "escrow.trade_created.v1": 1,
    }
    assert (summary.commands_per_s, summary.events_per_s) == (4.0, 2.5)


@pytest.mark.parametrize(
    ("values", "latency"),
    [
        ([], Latency()),
        ([3.0], Latency(1, 3.0, 3.0, 3.0)),
        ([float(n) for n in range(200, 0, -1)], Latency(200, 100.0, 198.0, 200.0)),
    ],
)
def test_percentiles_are_values_that_were_measured(values: list[float], latency: Latency) -> None:
    """No interpolation: p99 is a latency that some command really had."""
    assert Latency.of(array("d", values)) == latency
