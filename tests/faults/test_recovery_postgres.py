"""Postgres is restored to an earlier point: the engine refuses, and nothing is lost (F44, F46)."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.recovering import Drill, drill, market_day
from tests.integration.test_market_day import files_of

from danbao.publisher import Limits
from danbao.servers import LocalServers

pytestmark = pytest.mark.servers


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    with drill(tmp_path_factory.mktemp("drill") / "home") as made:
        yield made


def lose_postgres(made: Drill) -> None:
    """Lose everything that Postgres has; it must not run."""
    LocalServers(made.home, print).remove_outside_data()
    made.remove("postgres")


async def counts(made: Drill) -> dict[str, int]:
    """What a day left behind, however often it was interrupted."""
    rows = await made.engine.fetch(
        "SELECT type, count(*) FROM danbao.event_log GROUP BY type ORDER BY type"
    )
    return {row[0]: row[1] for row in rows}


async def test_the_tail_comes_back_from_kafka_when_postgres_is_older(
    home: Drill, tmp_path: Path
) -> None:
    """A backup of the middle of the day, and all that was published after it: nothing is lost."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts])
    publishing = asyncio.create_task(engine.publish([trades], Limits(rate=8)))
    await home.until_position(await engine.position() + 300)
    backup = tmp_path / "backup"
    made = await asyncio.to_thread(home.danbao, "backup", str(backup), "--json")
    assert made.returncode == 0, made.stderr
    manifest = json.loads(made.stdout)
    assert manifest["position"] > 0
    await home.until_position(manifest["position"] + 200)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    await engine.wait_idle()
    head = await engine.position()
    told = await counts(home)
    leaves = "SELECT leaf_hash FROM danbao.event_log ORDER BY position"
    before = await engine.fetch(leaves)
    home.down()

    lose_postgres(home)
    restored = home.danbao("restore", str(backup), "--json")
    assert restored.returncode == 0, restored.stderr
    again = home.danbao("restore", str(backup))
    assert (again.returncode, "not empty" in again.stderr) == (3, True)
    words = home.refuses()
    assert "log_older_than_kafka" in words
    assert "recover postgres-older" in words
    assert home.danbao("recover", "kafka-lost", "--yes").returncode == 3, "it would lose the tail"

    report = home.recover("postgres-older")
    assert report["events"] == head - manifest["position"]
    assert report["answers_without_body"] == []
    engine = home.up()
    await engine.wait_idle()
    assert await engine.position() == head, "nothing was decided or reacted to twice"
    assert await engine.fetch(leaves) == before, "the log is byte for byte the one it was"
    assert await counts(home) == told
    assert await engine.audit() == []
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []


async def test_two_histories_are_never_mixed(home: Drill, tmp_path: Path) -> None:
    """A restored engine that went on by itself has another truth: the tool says from where."""
    accounts, trades, _ = files_of(market_day())
    engine = home.up()
    await engine.publish([accounts])
    await engine.wait_idle()
    backup = tmp_path / "backup"
    assert home.danbao("backup", str(backup)).returncode == 0
    fork = await engine.position() + 1
    home.down()
    home.keep_kafka(tmp_path / "early")
    engine = home.up()
    await engine.publish([trades])
    home.down()
    home.keep_kafka(tmp_path / "late")
    lose_postgres(home)
    home.bring_kafka_back(tmp_path / "early")
    assert home.danbao("restore", str(backup)).returncode == 0
    assert "log_shorter_than_signed" in home.refuses()
    assert home.danbao("keys", "generate", "--new-history", "--yes").returncode == 0
    engine = home.up()
    await engine.publish([trades])  # the same wishes, at another time
    await engine.wait_idle()
    home.down()
    home.bring_kafka_back(tmp_path / "late")

    assert "recover postgres-older" in home.refuses()
    ended = home.danbao("recover", "postgres-older", "--yes")
    assert ended.returncode == 3
    assert "history_forked" in ended.stderr
    assert f"from position {fork} on" in ended.stderr

    report = home.recover("kafka-lost", "--log-wins")
    assert len(report["made_anew"]) == 6
    engine = home.up()
    await engine.publish([accounts, trades])
    assert await engine.audit() == []


async def test_both_restored_from_different_times(home: Drill, tmp_path: Path) -> None:
    """Kafka older than Postgres: the log publishes what Kafka lost; the report names the rest."""
    folder = market_day()
    accounts, trades, windows = files_of(folder)
    engine = home.up()
    await engine.publish([accounts])
    await engine.wait_idle()
    home.down()
    home.keep_kafka(tmp_path / "kafka")
    engine = home.up()
    await engine.publish([trades])
    await engine.wait_idle()
    backup = tmp_path / "backup"
    assert home.danbao("backup", str(backup)).returncode == 0
    await engine.publish([windows])
    home.down()

    lose_postgres(home)
    home.bring_kafka_back(tmp_path / "kafka")
    assert home.danbao("restore", str(backup)).returncode == 0
    assert "kafka_lost" in home.refuses()
    report = home.recover("kafka-lost")
    assert report["send_again"].keys() == {"authorization", "escrow"}
    assert report["damaged"]
    engine = home.up()
    await engine.wait_idle()
    assert await engine.audit() == []
    await engine.publish([accounts, trades, windows])
    assert await engine.audit(folder / "expected.json") == []
