"""The command line against a real engine: what it prints, and with which status it ends."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.integration.running_engine import (
    RunningEngine,
    danbao,
    end_all,
    family_of,
    remove_data,
    running_engine,
    start_up,
    stop_up,
    wait_until_ready,
)

from danbao.engine.record import read_record
from danbao.publisher import read_command_file
from danbao.servers import LocalServers
from danbao.testing.market import FILE_NAMES, simulate_market, write_market

pytestmark = pytest.mark.servers

SERVERS = {"kafka", "postgres"}
PROCESSES = {
    "accounts-0", "authorization-0", "channel-0", "escrow-0", "risk-0", "settlement-0",
    "relay-0", "projector-0", "scheduler-0", "bookkeeper-0", "checkpointer-0",
}  # fmt: skip
CTRL_C_WITHIN_S = 10
NEED_AN_ENGINE = [
    ("env",), ("env", "--json"), ("wait", "--idle"), ("run", "escrow"), ("summary",), ("log",),
    ("trade", "T-1"), ("dead-letters",), ("prove", "event", "1"),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    """An engine that `danbao up --detach` started, with a small market in it."""
    home = tmp_path_factory.mktemp("cli") / "home"
    started = danbao(home, "up", "--detach", "--workers", "escrow=2")
    record = read_record(home)
    family = family_of(record.pid) if record else []
    try:
        assert (started.returncode, started.stderr) == (0, "")
        assert record is not None
        assert started.stdout.startswith(f"the engine runs (process {record.pid})")
        yield RunningEngine(home)
        family = family_of(record.pid)
        stopped = danbao(home, "down")
        assert (stopped.returncode, stopped.stderr) == (0, "")
        assert stopped.stdout.startswith("stopped after ")
        assert read_record(home) is None
        assert end_all(family) == []
    finally:
        end_all(family, grace_s=0)
        LocalServers(home, print).remove_outside_data()
        remove_data(home)


@pytest.fixture(scope="module")
def market(engine: RunningEngine, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of a market that was published and has come to rest."""
    folder = tmp_path_factory.mktemp("market")
    made = engine.cli("simulate-market", "--trades", "30", "--seed", "5", "--out", str(folder))
    assert made.returncode == 0
    files = [folder / name for name in FILE_NAMES]
    published = engine.cli("publish", *map(str, files))
    assert published.returncode == 0, published.stderr
    assert "escrow.trade_created.v1" in published.stdout
    return files


def trade_of(files: list[Path]) -> str:
    """The first trade of a market."""
    return next(line.partitionkey for line in read_command_file(files[1]))


def test_a_detached_engine_runs_every_process(engine: RunningEngine) -> None:
    """`up --detach` returns when everything is ready, and nothing runs that was not asked for."""
    assert set(engine.processes) == SERVERS | PROCESSES | {"escrow-1"}
    assert all(psutil.pid_exists(pid) for pid in engine.processes.values())


def test_env_is_what_a_shell_and_a_program_need(engine: RunningEngine) -> None:
    """Any other program can be pointed at the engine."""
    shown = json.loads(engine.cli("env", "--json").stdout)
    exports = engine.cli("env").stdout.splitlines()

    assert shown["DANBAO_POSTGRES_DSN"] == engine.postgres_dsn
    assert shown["DANBAO_KAFKA_BOOTSTRAP"] == engine.kafka_bootstrap
    assert shown["DANBAO_HOME"] == str(engine.home)
    assert shown["processes"] == engine.processes
    assert [line.split("=")[0] for line in exports] == [
        "export DANBAO_POSTGRES_DSN",
        "export DANBAO_KAFKA_BOOTSTRAP",
        "export DANBAO_HOME",
    ]


def test_a_second_up_says_that_one_runs(engine: RunningEngine) -> None:
    """Two engines never share a home; the first one does not notice the attempt."""
    before = engine.processes

    plain, detached = engine.cli("up", "--plain"), engine.cli("up", "--detach")

    assert plain.returncode == 3
    assert "an engine runs here already" in plain.stderr
    assert "danbao down" in plain.stderr
    assert detached.returncode != 0
    assert "an engine runs here already" in detached.stderr
    assert engine.processes == before
    assert engine.cli("wait", "--idle").returncode == 0


async def test_a_market_is_published_once_and_adds_up(
    engine: RunningEngine, market: list[Path]
) -> None:
    """The same files again end at once; the books balance and the auditor agrees."""
    position = await engine.position()

    again = engine.cli("publish", "--json", *map(str, market))
    waited = engine.cli("wait", "--idle")
    summary = engine.cli("summary")

    assert (again.returncode, json.loads(again.stdout)["events"]) == (0, {})
    assert (waited.returncode, waited.stdout) == (0, "idle\n")
    assert await engine.position() == position
    assert summary.returncode == 0, summary.stdout
    assert json.loads(engine.cli("summary", "--json").stdout)
    assert await engine.audit(files=market) == []


def test_a_trade_tells_its_story(engine: RunningEngine, market: list[Path]) -> None:
    """One trade for a person and for a program; one that is not there has status 1."""
    trade_id = trade_of(market)

    shown, story = engine.cli("trade", trade_id), engine.cli("trade", trade_id, "--json")
    unknown = engine.cli("trade", "T-nobody-knows")

    assert shown.returncode == 0
    assert trade_id in shown.stdout
    assert trade_id in story.stdout
    assert json.loads(story.stdout)
    assert unknown.returncode == 1
    assert "T-nobody-knows" in unknown.stderr


async def test_the_log_is_shown_event_by_event(engine: RunningEngine, market: list[Path]) -> None:
    """`--json` gives every event of a flow as a CloudEvent, in the order of the log."""
    trade_id = trade_of(market)

    shown = engine.cli("log", "--flow", trade_id, "--json").stdout.splitlines()

    events = [json.loads(line) for line in shown]
    rows = await engine.fetch(
        "SELECT position, type FROM danbao.event_log WHERE partition_key = $1 ORDER BY position",
        trade_id,
    )
    assert [(int(event["sequence"]), event["type"]) for event in events] == [
        (row["position"], row["type"]) for row in rows
    ]
    assert len(engine.cli("log", "--limit", "3").stdout.splitlines()) == 3


def test_nothing_was_set_aside(engine: RunningEngine, market: list[Path]) -> None:
    """A market of readable commands leaves no dead letter."""
    del market
    shown = engine.cli("dead-letters", "--json")

    assert shown.returncode == 0
    assert json.loads(shown.stdout) == {"reasons": [], "newest": []}


@pytest.mark.parametrize("arguments", [("run", "escro"), ("up", "--workers", "escrow=0")])
def test_a_wrong_name_is_wrong_use(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Status 2, and the names that there are."""
    ended = danbao(tmp_path / "home", *arguments)

    assert ended.returncode == 2
    assert "settlement" in ended.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", NEED_AN_ENGINE, ids=" ".join)
def test_without_an_engine_a_command_says_so(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Status 3 and how to start one, not a stack trace."""
    ended = danbao(tmp_path / "home", *arguments)

    assert ended.returncode == 3
    assert "no engine runs here" in ended.stderr
    assert "danbao up" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_publish_without_an_engine_says_so(tmp_path: Path) -> None:
    """It needs Kafka only, and there is none."""
    [accounts, *_] = write_market(simulate_market(trades=1, seed=1), tmp_path / "market")

    ended = danbao(tmp_path / "home", "publish", str(accounts))

    assert ended.returncode == 3
    assert "no engine runs here" in ended.stderr


def test_down_without_an_engine_changes_nothing(tmp_path: Path) -> None:
    """There is nothing to stop, and that is said."""
    ended = danbao(tmp_path / "home", "down")

    assert ended.returncode != 0
    assert "no engine runs here" in ended.stdout + ended.stderr


def test_ctrl_c_stops_it_all(tmp_path: Path) -> None:
    """One SIGINT: a clean end within ten seconds, and no process is left."""
    home = tmp_path / "home"
    process = start_up(home)
    try:
        wait_until_ready(home, process)
        family = family_of(process.pid)
        record = read_record(home)
        assert record is not None
        assert {each.pid for each in family} >= set(record.processes.values())

        took_s = stop_up(process, signal.SIGINT)

        assert took_s < CTRL_C_WITHIN_S
        assert process.returncode == 0
        assert end_all(family) == []
        assert read_record(home) is None
        assert (home / "engine.log").read_text().endswith("stopping\nstopped\n")
    finally:
        stop_up(process, signal.SIGKILL)
        LocalServers(home, print).remove_outside_data()


def test_a_killed_engine_takes_its_processes_along_and_starts_again(tmp_path: Path) -> None:
    """`kill -9` of `danbao up` itself: no orphan works on, and the next start is as any other."""
    home = tmp_path / "home"
    process = start_up(home)
    try:
        wait_until_ready(home, process)
        family = family_of(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

        assert end_all(family, grace_s=20) == []
        assert read_record(home) is None
        with running_engine(home) as again:
            assert again.cli("wait", "--idle").returncode == 0
    finally:
        end_all(family_of(process.pid), grace_s=0)
        LocalServers(home, print).remove_outside_data()


def test_two_engines_beside_each_other_do_not_meet(engine: RunningEngine, tmp_path: Path) -> None:
    """Another home is another engine: own ports, own processes, own end."""
    before = engine.record
    with running_engine(tmp_path / "other") as other:
        assert other.postgres_dsn != before.postgres_dsn
        assert other.kafka_bootstrap != before.kafka_bootstrap
        assert not set(other.processes.values()) & set(before.processes.values())
        assert other.cli("wait", "--idle").returncode == 0

    assert engine.record == before
    assert all(psutil.pid_exists(pid) for pid in before.processes.values())
    assert engine.cli("wait", "--idle").returncode == 0
