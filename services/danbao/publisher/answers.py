"""Which commands of the files were refused, and which payments were declined (pure).

Answers that an earlier run left count too: a file that is published again says the same.
"""

import json
from dataclasses import dataclass
from typing import Any

from danbao.publisher.commandfile import Line
from danbao.publisher.flows import REJECTED, Schedule

DECLINED = "authorization.payment_declined."
PAY = "authorization.authorize_payment."
REUSED = "command_id_reused"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command of the files that was refused."""

    file: str
    line: int
    command_id: str
    command_type: str
    code: str
    facts: dict[str, Any]
    earlier: bool
    """Whether the answer was there before this run."""


@dataclass(frozen=True, slots=True)
class Decline:
    """A payment of the files that was declined; its command was answered, and is done."""

    file: str
    line: int
    command_id: str
    payment_id: str
    payer: str
    amount: dict[str, Any]
    code: str
    earlier: bool


class Answered:
    """Collects refusals and declines, each with the line that it answers."""

    def __init__(self, schedule: Schedule) -> None:
        """Nothing has come yet."""
        self._schedule = schedule
        self._reused: dict[str, int] = {}
        self.refusals: list[Refusal] = []
        self.declines: list[Decline] = []

    def take(
        self, key: str, event_type: str, cause: str, value: bytes | None, *, earlier: bool
    ) -> None:
        """Take in an event of a known flow; all but refusals and declines are passed over."""
        if REJECTED in event_type:
            self._refused(key, cause, json.loads(value or b"{}"), earlier=earlier)
        elif event_type.startswith(DECLINED):
            self._declined(key, json.loads(value or b"{}"), earlier=earlier)

    def _refused(self, key: str, cause: str, data: dict[str, Any], *, earlier: bool) -> None:
        bodies = self._schedule.bodies(key, cause)
        if not bodies:
            return  # somebody else's command
        line = bodies[0]
        if data.get("code") == REUSED:
            # Bodies of one id are refused in the order in which they were sent.
            place = self._reused[cause] = self._reused.get(cause, 0) + 1
            line = bodies[min(place, len(bodies) - 1)]
        self.refusals.append(
            Refusal(
                file=line.file,
                line=line.number,
                command_id=cause,
                command_type=data.get("command_type", line.type),
                code=data.get("code", ""),
                facts=data.get("facts") or {},
                earlier=earlier,
            )
        )

    def _declined(self, key: str, data: dict[str, Any], *, earlier: bool) -> None:
        line = self._payment_line(key, data.get("payment_id", ""))
        if line is None:
            return
        self.declines.append(
            Decline(
                file=line.file,
                line=line.number,
                command_id=line.id,
                payment_id=data["payment_id"],
                payer=data.get("payer", ""),
                amount=data.get("amount") or {},
                code=data.get("code", ""),
                earlier=earlier,
            )
        )

    def _payment_line(self, key: str, payment_id: str) -> Line | None:
        """The line that asked for a payment; the event names the payment, not the command."""
        for line in self._schedule.commands(key):
            if line.type.startswith(PAY) and payment_id.encode() in line.data:
                try:
                    data = json.loads(line.data)
                except ValueError:
                    continue
                if isinstance(data, dict) and data.get("payment_id") == payment_id:
                    return line
        return None
