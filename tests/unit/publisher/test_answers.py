"""Refusals and declines find the line that they answer."""

import json

from danbao.publisher.answers import Answered
from danbao.publisher.commandfile import Line
from danbao.publisher.flows import Schedule

REJECTED = "escrow.command_rejected.v1"
DECLINED = "authorization.payment_declined.v1"
PAY = "authorization.authorize_payment.v1"


def line(number: int, name: str, type_: str = "escrow.ship_trade.v1", **data: object) -> Line:
    """A command of the flow T."""
    return Line(
        number=number,
        partitionkey="T",
        file="day.jsonl",
        id=name,
        type=type_,
        data=json.dumps(data).encode(),
    )


def answered(*lines: Line) -> Answered:
    return Answered(Schedule([lines]))


def refusal(code: str, **facts: object) -> bytes:
    return json.dumps({"code": code, "command_type": "x.y.v1", "facts": facts}).encode()


def test_a_refusal_names_the_line_that_sent_the_command() -> None:
    """An editor goes there; the facts say why."""
    found = answered(line(1, "a"), line(2, "b"))

    found.take("T", REJECTED, "b", refusal("wrong_state", state="OVER"), earlier=False)
    found.take("T", REJECTED, "somebody else's", refusal("wrong_state"), earlier=False)
    found.take("T", "escrow.trade_created.v1", "a", b"not even JSON", earlier=False)

    [refused] = found.refusals
    assert (refused.file, refused.line, refused.command_id) == ("day.jsonl", 2, "b")
    assert (refused.code, refused.facts) == ("wrong_state", {"state": "OVER"})


def test_a_reused_id_names_the_later_lines() -> None:
    """The first line with the id was answered; each later body was refused in its turn."""
    found = answered(line(1, "a", n=1), line(2, "a", n=2), line(3, "a", n=3))

    for _ in range(2):
        found.take("T", REJECTED, "a", refusal("command_id_reused"), earlier=True)

    assert [refused.line for refused in found.refusals] == [2, 3]
    assert all(refused.earlier for refused in found.refusals)


def test_a_decline_names_the_line_that_asked_for_the_payment() -> None:
    """The event names the payment and not the command; the line is found by it."""
    pays = [line(n, f"pay-{n}", PAY, payment_id=f"P-{n}") for n in (1, 2)]
    found = answered(*pays, line(3, "other", payment_id="P-2"))
    data = {"payment_id": "P-2", "payer": "B", "amount": {}, "code": "risk_declined"}

    found.take("T", DECLINED, "an event", json.dumps(data).encode(), earlier=False)
    unknown = json.dumps(data | {"payment_id": "P-9"}).encode()
    found.take("T", DECLINED, "an event", unknown, earlier=False)

    assert [(each.line, each.code) for each in found.declines] == [(2, "risk_declined")]
