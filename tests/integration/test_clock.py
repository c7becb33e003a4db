"""Ten days in seconds: deadlines fire in order, at their own times; real logs keep their time."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.integration.conftest import EngineFactory
from tests.integration.running_engine import (
    RunningEngine,
    danbao,
    running_engine,
    start_up,
    stop_up,
    wait_until_ready,
)

from danbao.kernel.clock import SystemClock

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
LATE_BY_AT_MOST = timedelta(seconds=10)
"""The documented second, with room for a busy machine."""

pytestmark = pytest.mark.servers


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningEngine]:
    """An engine whose clock may be moved."""
    with running_engine(tmp_path / "home", DANBAO_SANDBOX="1") as running:
        yield running


def shipped_only(tmp_path: Path) -> list[Path]:
    """The trade of the tutorial, but its buyer forgets to confirm."""
    lines = (EXAMPLES / "trade.jsonl").read_text().splitlines()
    kept = [line for line in lines if "confirm_receipt" not in line and "credit_re" not in line]
    path = tmp_path / "forgotten.jsonl"
    path.write_text("\n".join(kept) + "\n")
    return [EXAMPLES / "accounts.jsonl", path]


def advance(engine: RunningEngine, *arguments: str) -> dict[str, object]:
    done = engine.cli("clock", "advance", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    moved: dict[str, object] = json.loads(done.stdout)
    return moved


async def happened(engine: RunningEngine) -> dict[str, datetime]:
    rows = await engine.fetch("SELECT type, recorded_at FROM danbao.event_log ORDER BY position")
    times = [row["recorded_at"] for row in rows]
    assert times == sorted(times), "recorded_at never falls"
    return {row["type"]: row["recorded_at"] for row in rows}


async def test_ten_days_later_a_forgotten_trade_is_released_settled_and_paid_out(
    sandbox: RunningEngine, tmp_path: Path
) -> None:
    """An upstream system tests its whole month before lunch."""
    await sandbox.publish(shipped_only(tmp_path))
    [timer] = await sandbox.fetch("SELECT due_at FROM danbao.timers")

    moved = advance(sandbox, "12d")

    assert moved["stops"] == 2  # the confirmation, and the cut-off after it
    times = await happened(sandbox)
    released = times["escrow.trade_released.v1"]
    assert timedelta(0) <= released - timer["due_at"] <= LATE_BY_AT_MOST
    closed = times["settlement.window_closed.v1"]
    midnight = closed.replace(hour=16, minute=0, second=0, microsecond=0)  # in Shanghai
    assert timedelta(0) <= closed - midnight <= LATE_BY_AT_MOST
    assert times["settlement.payout_paid.v1"] - closed <= LATE_BY_AT_MOST
    assert await sandbox.audit() == []


async def test_all_processes_follow_without_a_restart_and_time_never_goes_back(
    sandbox: RunningEngine,
) -> None:
    """One clock for all that expires."""
    processes = sandbox.processes
    advance(sandbox, "30d")
    assert sandbox.cli("clock", "advance", "--until", "2020-01-01").returncode == 2

    await sandbox.publish([EXAMPLES / "accounts.jsonl"])

    first = (await happened(sandbox))["accounts.account_opened.v1"]
    assert first - SystemClock().now() > timedelta(days=29)
    assert sandbox.processes == processes
    with pytest.raises(asyncpg.RaiseError, match="forward only"):
        await as_owner(sandbox, "UPDATE danbao.sandbox_clock SET moved = interval '1 hour'")


async def as_owner(engine: RunningEngine, statement: str) -> None:
    connection = await asyncpg.connect(engine.postgres_dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_real_log_is_no_sandbox(
    engine_factory: EngineFactory,
) -> None:
    """Nobody moves the time of real payments by accident, by command or by setting."""
    with engine_factory() as engine:
        refused = engine.cli("clock", "advance", "1d")
        assert (refused.returncode, "not_a_sandbox" in refused.stderr) == (3, True)
        await engine.publish([EXAMPLES / "accounts.jsonl"])
        with pytest.raises(asyncpg.RaiseError, match="never becomes a sandbox"):
            await as_owner(engine, "INSERT INTO danbao.sandbox_clock VALUES (0, interval '0')")


def test_a_sandbox_stays_one_and_stays_moved_after_a_restart(tmp_path: Path) -> None:
    """Tomorrow's test goes on where today's stopped, and is not taken for the real thing."""
    home, settings = tmp_path / "home", {"DANBAO_SANDBOX": "1"}
    process = start_up(home, more=settings)
    try:
        wait_until_ready(home, process)
        advance(RunningEngine(home), "1d")
        stop_up(process)
        refused = danbao(home, "up", "--plain")
        assert (refused.returncode, "sandbox_log" in refused.stderr) == (3, True)

        process = start_up(home, more=settings)
        wait_until_ready(home, process)
        shown = json.loads(RunningEngine(home).cli("clock", "show", "--json").stdout)
        assert shown["moved_s"] > 23 * 3600
    finally:
        stop_up(process)
