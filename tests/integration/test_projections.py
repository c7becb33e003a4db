"""`danbao projections` and `danbao replay --into`: read models as products."""

import signal
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.integration.filled_log import Filled, postings_of
from tests.integration.read_model_desk import Desk, copied
from tests.integration.running_engine import danbao

from danbao.contracts.catalogue import EVENTS
from danbao.kernel.events import decode_event
from danbao.kernel.messages import LogRow
from danbao.kernel.migrate import migrate, migration_files
from danbao.readmodels.model import Entry
from danbao.readmodels.models import READ_MODELS
from danbao.readmodels.rows import FoldedRows, differences

pytestmark = pytest.mark.servers

SMALL = {"DANBAO_PROJECTOR_SLICE_MAX": "100"}


class Cli:
    """`danbao …` on one database."""

    def __init__(self, home: Path, desk: Desk) -> None:
        self._home, self._desk = home, desk

    def __call__(self, *words: str, **more: str) -> "CompletedProcess[str]":
        given: Mapping[str, str] = {"DANBAO_POSTGRES_DSN": self._desk.dsn, **SMALL, **more}
        return danbao(self._home, *words, more=given)

    def json(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        done = self(*words, "--json")
        assert not done.stderr.startswith("Traceback"), done.stderr
        return msgspec.json.decode(done.stdout)


async def test_a_rebuild_killed_in_mid_build_goes_on(filled: Filled, tmp_path: Path) -> None:
    """An operator gives the same command again; what was built is not built twice."""
    async with copied(filled, "killed") as desk:
        cli = Cli(tmp_path, desk)
        killed = cli("projections", "rebuild", "--all", DANBAO_CRASH_AT="build.written:4")
        assert killed.returncode == -signal.SIGKILL
        [half] = await desk.connection.fetch(
            "SELECT DISTINCT checkpoint FROM danbao.projections WHERE state = 'building'"
        )
        assert half["checkpoint"] == 300
        done = cli("projections", "rebuild", "--all")
        assert done.returncode == 0, done.stderr
        assert "going on from 300" in done.stderr
        for point in ("build.before_swap", "build.swapped"):
            killed = cli("projections", "rebuild", "trades", DANBAO_CRASH_AT=f"{point}:1")
            assert killed.returncode == -signal.SIGKILL
            assert cli("projections", "rebuild", "trades").returncode == 0
        assert await desk.wrong(READ_MODELS) == 0
        live = cli.json("projections", "list")["builds"]
        assert {build["name"] for build in live if build["state"] == "live"} == {
            model.name for model in READ_MODELS
        }
        assert {build["build"] for build in live if build["name"] == "payments"} == {1, 2}


async def test_drift_is_shown_and_mended(filled: Filled, tmp_path: Path) -> None:
    """Rows that somebody changed behind our back are named, by the log and by a rebuild."""
    async with copied(filled, "drift") as desk:
        cli = Cli(tmp_path, desk)
        assert cli("projections", "diff", "trades").returncode == 0
        await desk.connection.execute(
            "UPDATE danbao_models.trades_v1_b1 SET released_minor = released_minor + 1 "
            "WHERE trade_id = (SELECT min(trade_id) FROM danbao_read.trades)"
        )
        by_log = cli("projections", "diff", "trades")
        assert by_log.returncode == 1
        assert "1 are NOT what it adds up to" in by_log.stdout
        held = cli.json("projections", "rebuild", "trades", "--hold")["rebuilt"][0]
        assert held["state"] == "building"
        assert held["difference"]["columns"] == {"held_minor": 1, "released_minor": 1}
        assert cli("projections", "diff", "trades").returncode == 1
        assert await desk.wrong(READ_MODELS) == 1
        assert cli("projections", "rebuild", "trades").returncode == 0
        assert await desk.wrong(READ_MODELS) == 0
        assert cli("projections", "diff", "trades").returncode == 0
        assert cli.json("projections", "diff", "trades", "--last")["changed"] == 1


async def test_a_retired_build_stays_until_it_is_dropped(filled: Filled, tmp_path: Path) -> None:
    """Nothing is thrown away without a yes, and never the live one."""
    async with copied(filled, "dropped") as desk:
        cli = Cli(tmp_path, desk)
        assert cli("projections", "rebuild", "payments").returncode == 0
        assert cli("projections", "drop", "payments").returncode == 1
        dropped = cli.json("projections", "drop", "payments", "--yes")
        assert dropped == {"dropped": ["danbao_models.payments_v1_b1"]}
        assert cli.json("projections", "drop", "payments", "--yes") == {"dropped": []}
        assert await desk.builds("payments") == {"payments_v1_b2": "live"}
        assert cli("projections", "rebuild", "payments", "--hold").returncode == 0
        given_up = cli.json("projections", "drop", "payments", "--building", "--yes")
        assert given_up == {"dropped": ["danbao_models.payments_v1_b3"]}


async def test_wrong_use_changes_nothing(filled: Filled, tmp_path: Path) -> None:
    """Each mistake is named, with a code and a status."""
    async with copied(filled, "wrong_use") as desk:
        cli = Cli(tmp_path, desk)
        head = len(filled.rows)
        await desk.connection.execute("CREATE SCHEMA theirs CREATE TABLE theirs.trades (a int)")
        for words, status, said in (
            ("projections rebuild nothing", 1, "unknown_projection"),
            ("projections rebuild trades --version 9", 1, "no version 9"),
            ("projections rebuild", 2, "--all"),
            ("projections diff nothing", 1, "unknown_projection"),
            ("projections drop nothing --yes", 1, "unknown_projection"),
            ("projections diff trades --last", 1, "never took"),
            (f"replay --until {head + 1} --into mine", 1, "beyond the last event"),
            ("replay --until 2020-01-01 --into mine", 1, "before the first event"),
            ("replay --until yesterday --into mine", 2, "no position, date or time"),
            ("replay --into theirs", 1, "schema_taken"),
            ("replay --into danbao_read", 1, "schema_taken"),
            ("replay --into Mine", 2, "no name of a schema"),
            ("replay --into mine --flow T-1", 2, "takes the whole log"),
            ("replay --into mine --model nothing", 1, "unknown_projection"),
            ("replay --model trades", 2, "--model needs --into"),
        ):
            done = cli(*words.split())
            assert (done.returncode, said in done.stderr) == (status, True), (words, done.stderr)
        assert not await desk.connection.fetchval("SELECT to_regnamespace('mine') IS NOT NULL")


async def test_read_models_as_of_a_moment_are_a_plain_fold(filled: Filled, tmp_path: Path) -> None:
    """Whatever was true then can be asked in SQL, and adds up as a fold in plain Python does."""
    async with copied(filled, "as_of") as desk:
        cli = Cli(tmp_path, desk)
        middle = len(filled.rows) // 2
        assert cli("replay", "--until", str(middle - 250), "--into", "past").returncode == 0
        done = cli("replay", "--until", str(middle), "--into", "past")
        assert (done.returncode, f"going on from {middle - 250:,}" in done.stderr) == (0, True)
        back = cli("replay", "--until", "10", "--into", "past")
        assert (back.returncode, "already" in back.stderr) == (1, True)
        for model in READ_MODELS:
            folded = FoldedRows(model)
            folded.take(map(_entry, filled.rows[:middle]))
            names = ", ".join(model.columns)
            rows = await desk.connection.fetch(f"SELECT {names} FROM past.{model.name}")
            width = len(model.key)
            found = {tuple(row)[:width]: tuple(row)[width:] for row in rows}
            assert differences(folded, found) == []
        last = await desk.connection.fetchval("SELECT max(position) FROM past.journal")
        assert last == max(row.position for row in filled.rows[:middle] if row.postings)
        at = filled.rows[middle - 1].recorded_at
        by_time = cli("replay", "--until", at.isoformat(), "--into", "by_time", "--model", "trades")
        assert by_time.returncode == 0, by_time.stderr
        last = max(row.position for row in filled.rows if row.recorded_at <= at)
        assert (
            await desk.connection.fetchval("SELECT checkpoint FROM by_time.danbao_replay") == last
        )


async def test_tables_of_an_earlier_danbao_become_builds(filled: Filled) -> None:
    """An upgrade keeps the rows; the old code writes through the view until it has gone."""
    server = filled.dsn.rpartition("/")[0]
    admin = await asyncpg.connect(f"{server}/template1")
    await admin.execute("CREATE DATABASE upgraded")
    dsn = f"{server}/upgraded"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE danbao_migrations (name text PRIMARY KEY)")
        for name, text in migration_files():
            if name >= "0007":
                break
            await connection.execute(text)
            await connection.execute("INSERT INTO danbao_migrations VALUES ($1)", name)
        await connection.execute("SET ROLE danbao_engine")
        await connection.execute("CREATE TABLE danbao_read.boxes (box text PRIMARY KEY, count int)")
        await connection.execute("INSERT INTO danbao_read.boxes VALUES ('a', 1)")
        await connection.execute("INSERT INTO danbao.projections VALUES ('boxes', 1, 5, 'live')")
        await migrate(dsn)
        await connection.execute(
            "INSERT INTO danbao_read.boxes AS t VALUES ('a', 2) "
            "ON CONFLICT (box) DO UPDATE SET count = t.count + excluded.count"
        )
        await connection.execute("SET ROLE danbao_reader")
        assert await connection.fetchval("SELECT count FROM danbao_read.boxes") == 3
        assert await connection.fetchval("SELECT count FROM danbao_models.boxes_v1_b1") == 3
    finally:
        await connection.close()
        await admin.execute("DROP DATABASE upgraded WITH (FORCE)")
        await admin.close()


def _entry(row: LogRow) -> Entry:
    event = decode_event(row.type, row.data) if row.type in EVENTS else None
    return Entry(row.position, row.recorded_at, event, postings_of(row))
