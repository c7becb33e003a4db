"""`danbao dead-letters retry|discard`: what would happen first, then what did."""

import asyncio
import getpass
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import asyncpg
import typer

from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.dead_letters import Flow, Json, Q, Reason, Service, app, reasons_table
from danbao.cli.exits import REFUSED, WRONG_USE, fail
from danbao.cli.format import json_text, page, plain_table, safe_text, short_text
from danbao.kernel.postgres.connection import PATIENT, connect

LOOK_EVERY_S = 0.2
SHOWN_MAX = 20

Letters = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Their numbers.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
By = Annotated[str | None, typer.Option(help="Who decides; without it, who is logged in here.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Letters that somebody named, and the flows that they hold back."""

    letters: Sequence[asyncpg.Record]
    flows: Sequence[asyncpg.Record]

    @property
    def commands(self) -> list[int]:
        """Letters of commands; each stands alone."""
        return [row["id"] for row in self.letters if not row["topic"].endswith(".events")]

    @property
    def first(self) -> list[int]:
        """What a retry begins with: commands, and the first letter of each flow."""
        return [*self.commands, *(flow["first"] for flow in self.flows)]

    @property
    def touched(self) -> list[int]:
        """Everything that a retry may handle."""
        return [*self.commands, *(name for flow in self.flows for name in flow["letters"])]


@app.command()
def retry(
    letters: Letters = None,
    *,
    service: Service = None,
    reason: Reason = None,
    flow: Flow = None,
    yes: Yes = False,
    by: By = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for what becomes of it.")] = 15.0,
    json: Json = False,
) -> None:
    """Let the services handle dead letters again; says first what would happen.

    A command is decided once, under its own id. A flow goes on from its first event that waits,
    then with those parked behind it, in order. With --json it only happens with --yes.

    Example: danbao dead-letters retry 7

    Example: danbao dead-letters retry --service escrow --reason event_failed --yes
    """
    chosen = _choose(letters, service, reason, flow)
    plan = {"letters": len(chosen.touched), "commands": len(chosen.commands)}
    plan |= {"flows": len(chosen.flows)}
    if json and not yes:
        typer.echo(json_text({"would_retry": plan}))
        return
    if not json:
        _show_plan("To retry", chosen)
        events = len(chosen.touched) - len(chosen.commands)
        typer.echo(
            f"{len(chosen.commands)} commands and {events} events of {len(chosen.flows)} flows"
        )
    _agree(yes, "Retry them?")
    states = run(_request(postgres_address(), chosen, _who(by), wait))
    _show_end(states, plan, json=json)


@app.command()
def discard(
    letters: Letters = None,
    *,
    why: Annotated[str, typer.Option(help="The reason; it is kept with the letter.")],
    service: Service = None,
    reason: Reason = None,
    flow: Flow = None,
    yes: Yes = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Give dead letters up: who and why is recorded, the bytes stay, nothing is handled.

    When it is the first of a flow, the events parked behind it go on by themselves. With --json it
    only happens with --yes.

    Example: danbao dead-letters discard 7 --why "test traffic of the shop"
    """
    if not why.strip():
        fail("--why is empty", WRONG_USE, "Say why: somebody will ask.")
    chosen = _choose(letters, service, reason, flow)
    ids = [row["id"] for row in chosen.letters]
    behind = sorted(set(chosen.touched) - set(chosen.commands) - set(ids))
    if json and not yes:
        typer.echo(json_text({"would_discard": len(ids), "would_go_on": len(behind)}))
        return
    if not json:
        _show_plan("To discard", chosen)
        typer.echo(f"{len(behind)} events behind them may go on")
    _agree(yes, "Discard them?")
    count = run(_discard(postgres_address(), ids, _who(by), why))
    typer.echo(json_text({"discarded": count}) if json else f"discarded {count} dead letters")


def _choose(
    letters: list[int] | None, service: str | None, reason: str | None, flow: str | None
) -> Chosen:
    """Read the letters that are meant; ends the command when none are, or none were named."""
    if not letters and service is None and reason is None and flow is None:
        fail("no letters named", WRONG_USE, "Name ids, --service, --reason or --flow.")
    chosen = run(_read(postgres_address(), letters or None, service, reason, flow))
    if not chosen.letters:
        fail(
            "no dead letter that waits is meant by this", REFUSED, "See `danbao dead-letters list`."
        )
    return chosen


def _show_plan(title: str, chosen: Chosen) -> None:
    counts = Counter((row["service"], row["reason"]) for row in chosen.letters)
    rows = [
        {"service": name, "reason": reason, "count": count}
        for (name, reason), count in counts.most_common()
    ]
    page().print(reasons_table(title, rows))


def _agree(yes: bool, question: str) -> None:
    """Ask, unless told not to; nobody there to answer is a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail("nothing was changed: nobody is there to ask", REFUSED, "Add --yes.")
    if not typer.confirm(question):
        fail("nothing was changed", REFUSED)


def _who(by: str | None) -> str:
    return by or getpass.getuser()


async def _read(dsn: str, *filters: object) -> Chosen:
    async with reader(dsn) as connection:
        letters = await connection.fetch(Q["chosen"], *filters)
        flows = await connection.fetch(Q["flows"], [row["id"] for row in letters])
        return Chosen(letters, flows)


async def _request(dsn: str, chosen: Chosen, who: str, wait_s: float) -> list[asyncpg.Record]:
    """Ask for the retry, and wait until the workers have done what they can."""
    connection = await connect(dsn, purpose="dead-letters", session=PATIENT)
    deadline = time.monotonic() + wait_s
    try:
        await connection.execute(Q["request"], chosen.first, who)
        while True:
            states: list[asyncpg.Record] = await connection.fetch(Q["states"], chosen.touched)
            waits = {row["id"] for row in states if row["state"] == "requested"}
            waits |= _going_on(chosen, {row["id"]: row for row in states})
            if not waits or time.monotonic() > deadline:
                return states
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await connection.close(timeout=2)


def _going_on(chosen: Chosen, states: dict[int, asyncpg.Record]) -> set[int]:
    """Letters at the head of a flow that a worker is about to handle."""
    heads: set[int] = set()
    for flow in chosen.flows:
        left = [name for name in flow["letters"] if states[name]["state"] == "waiting"]
        if left and states[left[0]]["reason"] == "flow_parked":
            heads.add(left[0])
    return heads


async def _discard(dsn: str, letters: list[int], who: str, why: str) -> int:
    connection = await connect(dsn, purpose="dead-letters", session=PATIENT)
    try:
        status = await connection.execute(Q["discard"], letters, who, why)
        return int(status.rsplit(" ", 1)[-1])
    finally:
        await connection.close(timeout=2)


def _show_end(states: list[asyncpg.Record], plan: dict[str, int], *, json: bool) -> None:
    """Say what became of the letters; status 1 when not all are handled."""
    counts = Counter(row["state"] for row in states)
    left = [row for row in states if row["state"] in {"waiting", "requested"}]
    if json:
        typer.echo(json_text({"retried": counts["retried"], "left": len(left), "plan": plan}))
    else:
        typer.echo(f"retried {counts['retried']} of {len(states)} dead letters")
        if left:
            table = plain_table("id", "state", "reason", "detail", title="Left")
            for row in left[:SHOWN_MAX]:
                detail = short_text(safe_text(row["detail"]), 60)
                table.add_row(str(row["id"]), row["state"], row["reason"], detail)
            page().print(table)
        if counts["requested"]:
            typer.echo("what is requested is handled as soon as a worker of the service runs")
    if left:
        raise typer.Exit(REFUSED)
