"""Dead letters on the real engine: a flow that the database refuses, repaired and retried."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.integration.running_engine import RunningEngine, running_engine
from tests.integration.wire import Raw, Wire, command, money

from danbao.kernel.records import partition_of

TRAP = """
CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'trapped' USING ERRCODE = 'data_exception';
END
$$;
CREATE TRIGGER trap BEFORE INSERT ON danbao.event_log
    FOR EACH ROW WHEN (NEW.stream = 'payer/B-1') EXECUTE FUNCTION public.trap();
"""
UNTRAP = "DROP TRIGGER trap ON danbao.event_log; DROP FUNCTION public.trap()"
SET_ASIDE_WITHIN_S = 60


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    with running_engine(tmp_path_factory.mktemp("letters") / "home") as engine:
        yield engine


@asynccontextmanager
async def owner(engine: RunningEngine) -> AsyncIterator[asyncpg.Connection]:
    """The database as its owner."""
    connection = await asyncpg.connect(engine.postgres_dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def send(wire: Wire, engine: RunningEngine, *commands: Raw) -> None:
    """Send commands, each to the partition of its key."""
    for raw in commands:
        key = raw.key.decode()
        await wire.send(raw, partition_of(key, engine.record.partitions))


def payment(name: str) -> Raw:
    """One of several payments for the same trade, of which the payer can afford one."""
    return command(
        name,
        "authorization.authorize_payment.v1",
        "T-1",
        payment_id=name,
        trade_id="T-1",
        payer="B-1",
        amount=money(5000),
        method="balance",
    )


async def until(engine: RunningEngine, question: str, wanted: object) -> None:
    """Wait for what a question is answered."""
    deadline = time.monotonic() + SET_ASIDE_WITHIN_S
    while (found := (await engine.fetch(question))[0][0]) != wanted:
        assert time.monotonic() < deadline, f"{question}: {found}, not {wanted}"
        await asyncio.sleep(0.1)


async def test_a_flow_that_was_refused_goes_on_after_a_retry(engine: RunningEngine) -> None:
    """Nothing is lost, doubled or out of order, though the worker is killed in between."""
    opened = [
        command(
            f"open {name}",
            "accounts.open_account.v1",
            name,
            account_id=name,
            kind=kind,
            currency="CNY",
        )
        for name, kind in (("B-1", "personal"), ("S-1", "merchant"))
    ]
    top_up = command(
        "top up",
        "accounts.top_up.v1",
        "B-1",
        top_up_id="U-1",
        account_id="B-1",
        amount=money(5000),
        bank_card="card_ok",
    )
    trade = command(
        "trade",
        "escrow.create_trade.v1",
        "T-1",
        trade_id="T-1",
        buyer="B-1",
        seller="S-1",
        title="cup",
        amount=money(5000),
    )
    names = ("P-a", "P-b", "P-c")
    async with Wire(engine) as wire, owner(engine) as database:
        await send(wire, engine, *opened)
        await wire.codes(opened)
        await send(wire, engine, top_up, trade)
        await engine.wait_idle()
        await database.execute(TRAP)
        await send(wire, engine, payment(names[0]))
        counted = "SELECT count(*) FROM danbao.dead_letters WHERE state = 'waiting'"
        await until(engine, counted, 1)
        await send(wire, engine, payment(names[1]), payment(names[2]))
        await until(engine, counted, 3)

        shown = json.loads(engine.cli("dead-letters", "list", "--json").stdout)
        reasons = [letter["reason"] for letter in reversed(shown["newest"])]
        assert reasons == ["refused_by_database", "flow_parked", "flow_parked"]
        first = str(shown["newest"][-1]["id"])
        refused = engine.cli("dead-letters", "retry", first)
        assert (refused.returncode, "--yes" in refused.stderr) == (1, True)

        again = engine.cli("dead-letters", "retry", "--flow", "T-1", "--yes")
        assert again.returncode == 1, "the trap is still there"
        assert "refused_by_database" in again.stdout

        await database.execute(UNTRAP)
        os.kill(engine.processes["risk-0"], signal.SIGKILL)
        done = engine.cli("dead-letters", "retry", first, "--yes", "--wait", "60", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["retried"] == 3
        assessed = "SELECT count(*) FROM danbao.event_log WHERE type = 'risk.payment_assessed.v1'"
        assert (await engine.fetch(assessed))[0][0] == 3
        await engine.wait_idle()
        rows = await engine.fetch(
            "SELECT stream FROM danbao.event_log WHERE type = 'authorization.payment_captured.v1'"
        )
        assert [row["stream"] for row in rows] == ["payment/P-a"], "the first of the flow was first"
    assert await engine.audit() == []


async def test_a_discarded_letter_says_who_and_why(engine: RunningEngine) -> None:
    """What was given up stays to be read, byte for byte."""
    async with Wire(engine) as wire:
        raw = command("bad", "escrow.ship_trade.v1", "T-1").changed(ce_id=b"none")
        await send(wire, engine, raw)
        await until(
            engine, "SELECT count(*) FROM danbao.dead_letters WHERE reason = 'id_unusable'", 1
        )
    preview = engine.cli(
        "dead-letters", "discard", "--reason", "id_unusable", "--why", "x", "--json"
    )
    assert json.loads(preview.stdout) == {"would_discard": 1, "would_go_on": 0}
    options = ("--why", "test traffic", "--by", "ops", "--yes", "--json")
    done = engine.cli("dead-letters", "discard", "--reason", "id_unusable", *options)
    assert json.loads(done.stdout) == {"discarded": 1}
    listed = json.loads(engine.cli("dead-letters", "list", "--all", "--json").stdout)["newest"]
    letter = next(each for each in listed if each["reason"] == "id_unusable")
    assert (letter["discarded_by"], letter["discarded_why"]) == ("ops", "test traffic")
    shown = json.loads(engine.cli("dead-letters", "show", str(letter["id"]), "--json").stdout)
    headers = {header["name"]: header["text"] for header in shown["headers"]}
    assert headers["ce_id"] == "none"
    assert engine.cli("dead-letters", "retry", str(letter["id"]), "--yes").returncode == 1
