"""The archive on real Postgres: whole, without doubles, whoever is killed when; and SQL on it."""

import asyncio
import json
import multiprocessing
import os
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.integration.filled_log import DAYS, Filled, postings_of

from danbao.analysis.wanted import Wanted
from danbao.archive import writing
from danbao.archive.errors import ArchiveError
from danbao.archive.export import export
from danbao.archive.manifest import Manifest, read_manifest, write_manifest
from danbao.archive.verify import verify_archive
from danbao.kernel.postgres.connection import PATIENT, connect

pytestmark = pytest.mark.servers

STEPS = ("_make_durable", "write_manifest", "sync_folder", "days_of")
"""What an export does again and again; a kill may come before or after each."""


async def bring_up(dsn: str, folder: Path, upto: int, wanted: Wanted | None = None) -> Manifest:
    connection = await connect(dsn, purpose="test", session=PATIENT)
    try:
        return await export(connection, folder, upto, wanted=wanted)
    finally:
        await connection.close()


def table_of(folder: Path) -> pa.Table:
    """Every event that the files below the folder have, whatever the manifest says."""
    files = sorted(folder.glob("day=*/*.parquet"))
    return pa.concat_tables(pq.read_table(file, partitioning=None) for file in files)


async def test_the_archive_has_what_the_log_has(filled: Filled, tmp_path: Path) -> None:
    """Each event once, byte for byte, on its day."""
    end = len(filled.rows)
    manifest = await bring_up(filled.dsn, tmp_path, end)

    rows = table_of(tmp_path).to_pylist()

    assert manifest.upto == manifest.rows == end
    assert len(manifest.files) == DAYS
    for row, expected in zip(rows, filled.rows, strict=True):
        for name in ("position", "stream", "version", "type", "data", "postings", "actor"):
            assert row[name] == getattr(expected, name)
        assert row["recorded_at"] == expected.recorded_at
    assert verify_archive(tmp_path).problems == []


async def test_an_archive_grows_without_doubles(filled: Filled, tmp_path: Path) -> None:
    """Short files of a day become one; a second run with nothing to do changes nothing."""
    end = len(filled.rows)
    for upto in (1, 2, 700, end - 1, end, end):
        manifest = await bring_up(filled.dsn, tmp_path, upto)

        assert table_of(tmp_path)["position"].to_pylist() == list(range(1, upto + 1))
        assert manifest.upto == upto
    assert len(manifest.files) == DAYS
    assert verify_archive(tmp_path).problems == []


def _die(dsn: str, folder: Path, upto: int, step: str, hit: int, after: bool) -> None:
    """Export, and be killed at a step."""
    real, seen = getattr(writing, step), 0

    def deadly(*arguments: object) -> object:
        nonlocal seen
        seen += 1
        if seen == hit and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*arguments)
        if seen == hit and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(writing, step, deadly)
    asyncio.run(bring_up(dsn, folder, upto))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_kill_9_leaves_no_double_and_no_hole(
    filled: Filled, tmp_path: Path, step: str, after: bool
) -> None:
    """Whatever was half done is done again, and only that."""
    end = len(filled.rows)
    asyncio.run(bring_up(filled.dsn, tmp_path, 300))
    for hit in (1, 2):
        child = multiprocessing.get_context("spawn").Process(
            target=_die, args=(filled.dsn, tmp_path, end, step, hit, after)
        )
        child.start()
        child.join()
        assert child.exitcode in (-signal.SIGKILL, 0)
        if hit == 1:
            assert child.exitcode == -signal.SIGKILL

    asyncio.run(bring_up(filled.dsn, tmp_path, end))

    assert table_of(tmp_path)["position"].to_pylist() == list(range(1, end + 1))
    assert verify_archive(tmp_path).problems == []


async def test_an_archive_may_have_some_events_only(filled: Filled, tmp_path: Path) -> None:
    """What was wanted is kept with it; something else does not go on in the same folder."""
    end = len(filled.rows)
    wanted = Wanted(type="escrow.trade_*")
    await bring_up(filled.dsn, tmp_path, 500, wanted)

    manifest = await bring_up(filled.dsn, tmp_path, end, wanted)

    expected = [row.position for row in filled.rows if row.type.startswith("escrow.trade_")]
    assert table_of(tmp_path)["position"].to_pylist() == expected
    assert manifest.upto == end
    with pytest.raises(ArchiveError, match="not all events"):
        await bring_up(filled.dsn, tmp_path, end)


async def test_the_archive_of_another_log_does_not_go_on(filled: Filled, tmp_path: Path) -> None:
    """A restored or changed log is found before anything is added."""
    manifest = await bring_up(filled.dsn, tmp_path, 400)
    fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
    write_manifest(tmp_path, Manifest(**fields | {"leaf_hash": "00" * 32}))
    with pytest.raises(ArchiveError, match="another event at position 400"):
        await bring_up(filled.dsn, tmp_path, 500)
    write_manifest(tmp_path, Manifest(**fields | {"incarnation": "another"}))

    with pytest.raises(ArchiveError, match="another log"):
        await bring_up(filled.dsn, tmp_path, 500)


@pytest.mark.parametrize("column", ["data", "recorded_at", "leaf_hash", "position"])
async def test_a_changed_archive_is_found(filled: Filled, tmp_path: Path, column: str) -> None:
    """Also by someone who knows the checksums of files, and mends them."""
    manifest = await bring_up(filled.dsn, tmp_path, 100)
    file = manifest.files[0]
    rows = pq.read_table(tmp_path / file.path, partitioning=None).to_pylist()
    change = {"data": "{}", "recorded_at": rows[49]["recorded_at"] + timedelta(seconds=1)}
    rows[49][column] = change.get(column, rows[50][column])
    pq.write_table(pa.Table.from_pylist(rows, schema=writing.SCHEMA), tmp_path / file.path)

    problems = verify_archive(tmp_path).problems

    assert any("its bytes are not" in problem for problem in problems)
    assert any(problem.split("position ", 1)[-1].startswith(("50", "51")) for problem in problems)


def test_the_command_line_exports_verifies_and_asks(filled: Filled, tmp_path: Path) -> None:
    """From the log to an answer in three lines."""
    made = filled.cli(tmp_path, "export", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["rows"] == len(filled.rows)
    assert "to export" in made.stderr
    checked = filled.cli(tmp_path, "export", "--verify")
    assert checked.returncode == 0
    assert "every hash is right" in checked.stdout

    query = "SELECT t.state, count(*) AS n FROM trades t GROUP BY 1 ORDER BY 1"
    answer = filled.cli(tmp_path, "sql", query, "--json")

    assert answer.returncode == 0, answer.stderr
    states = [json.loads(line) for line in answer.stdout.splitlines()]
    created = Counter(row.type for row in filled.rows)["escrow.trade_created.v1"]
    assert sum(state["n"] for state in states) == created
    moved = filled.cli(tmp_path, "sql", "SELECT sum(amount_minor) FROM journal", "--csv")
    total = sum(posting.minor for row in filled.rows for posting in postings_of(row))
    assert moved.stdout.splitlines()[1] == str(total)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sql", "SELECT * FROM events"), 1, "no archive"),
        (("sql", "SELEC 1"), 1, "syntax error"),
        (("sql", "SELECT 1", "--json", "--csv"), 2, "exclude each other"),
        (("export", "--verify"), 3, "no archive"),
        (("export", "--to", "99999999"), 1, "beyond the last event"),
    ],
    ids=str,
)
def test_what_cannot_be_done_says_why(
    filled: Filled, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """A clear text and a stable status."""
    done = filled.cli(tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert read_manifest(tmp_path / "archive") is None
