"""Whatever a superuser does to the database is found, and named by its first position."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from tests.integration.filled_log import filled_log
from tests.integration.tampering import (
    BESIDE,
    CASES,
    CHANGED,
    MONEY,
    SIGNED_EVERY,
    Signed,
    rehash,
    sign_log,
)

from danbao.proofs.checkpoint import sign_checkpoint
from danbao.proofs.tree import root_of
from danbao.verification.problems import Problem
from danbao.verification.verify import Verified

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    """Two market days, signed every so many events."""
    home = tmp_path_factory.mktemp("verify")
    with filled_log(home / "servers") as filled:
        yield asyncio.run(sign_log(filled, home))


def codes(found: Verified) -> set[str]:
    """What was found."""
    return {problem.code for problem in found.problems}


def first(found: Verified, code: str) -> Problem:
    """The first problem of a kind."""
    return next(problem for problem in found.problems if problem.code == code)


async def test_a_log_that_nobody_touched_is_good(signed: Signed) -> None:
    """Everything that is stored is what the log comes to."""
    connection = await signed.copy()
    found = await signed.verify(connection)
    await connection.close()

    assert found.problems == []
    assert found.events == len(signed.filled.rows)
    assert found.checked["rows"] == found.checked["events of streams"] == found.events
    assert found.checked["checkpoints"] == 2 * len(signed.notes)
    assert min(found.checked.values()) > 0
    assert found.unknown_signers == 0


@pytest.mark.parametrize(("statements", "expected"), CASES.values(), ids=CASES)
async def test_a_row_that_was_touched_is_named(
    signed: Signed, statements: list[str], expected: set[str]
) -> None:
    """The position is where somebody has to look."""
    connection = await signed.copy()
    for statement in statements:
        await connection.execute(statement.format(CHANGED, CHANGED + 1))
    found = await signed.verify(connection)
    await connection.close()

    assert expected <= codes(found)
    near = {first(found, code).position for code in expected}
    assert near <= {CHANGED, CHANGED + 1, 1 + CHANGED // SIGNED_EVERY * SIGNED_EVERY}
    assert found.first is not None
    assert 1 + CHANGED // SIGNED_EVERY * SIGNED_EVERY <= found.first <= CHANGED


async def test_a_tail_that_was_cut_off_is_found_by_what_was_signed(signed: Signed) -> None:
    """Nothing inside the database knows that there was more."""
    connection = await signed.copy()
    end = await connection.fetchval("SELECT position - 100 FROM danbao.log_heads")
    await connection.execute("DELETE FROM danbao.event_log WHERE position > $1", end)
    missing = await signed.verify(connection)
    assert first(missing, "position_missing").position == end + 1

    await connection.execute("UPDATE danbao.log_heads SET position = $1", end)
    await connection.execute("DELETE FROM danbao.log_checkpoints WHERE size > $1", end)
    found = await signed.verify(connection)
    await connection.close()
    assert first(found, "log_cut").position == end + 1
    assert found.first == end + 1


async def test_a_posting_changed_with_its_hashes_follows_no_rule(signed: Signed) -> None:
    """The rules are code: whoever changes rows cannot change what they come to."""
    connection = await signed.copy()
    position = await connection.fetchval(MONEY, CHANGED)
    await connection.execute(
        "UPDATE danbao.event_log SET postings = replace(postings::text, '\"minor\":',"
        " '\"minor\":1')::json WHERE position = $1",
        position,
    )
    await rehash(connection, position)
    found = await signed.verify(connection, outside=False)
    await connection.close()

    assert first(found, "postings_wrong").position == position
    assert "row_changed" not in codes(found)


async def test_a_history_hashed_and_signed_again_is_found_by_an_outside_checkpoint(
    signed: Signed,
) -> None:
    """Rows, leaves, states and the table's checkpoints all agree: only somebody else knows."""
    connection = await signed.copy()
    await connection.execute(
        "UPDATE danbao.event_log SET correlation_id = 'another' WHERE position = $1", CHANGED
    )
    await rehash(connection, CHANGED)
    leaves = [
        row[0]
        for row in await connection.fetch(
            "SELECT leaf_hash FROM danbao.event_log ORDER BY position"
        )
    ]
    for row in await connection.fetch("SELECT size FROM danbao.log_checkpoints"):
        root = root_of(leaves[: row["size"]])
        await connection.execute(
            "UPDATE danbao.log_checkpoints SET root = $2, note = $3 WHERE size = $1",
            row["size"],
            root,
            sign_checkpoint(signed.key, row["size"], root),
        )
    alone = await signed.verify(connection, outside=False)
    found = await signed.verify(connection)
    await connection.close()

    assert alone.problems == []
    assert codes(found) == {"log_rewritten"}
    assert found.first == 1 + CHANGED // SIGNED_EVERY * SIGNED_EVERY


@pytest.mark.parametrize(("statement", "code"), BESIDE.values(), ids=BESIDE)
async def test_what_lies_beside_the_log_is_held_against_it(
    signed: Signed, statement: str, code: str
) -> None:
    """A cache that lies would pay out money that is not there."""
    connection = await signed.copy()
    assert (await connection.execute(statement)).rpartition(" ")[2] != "0"
    found = await signed.verify(connection)
    await connection.close()

    assert codes(found) == {code}


def test_the_commands_say_so_with_a_status(signed: Signed) -> None:
    """Scripts read the status, people the first position."""
    good = signed.cli("verify", "--json")
    proved = signed.cli("prove", "trade", signed.trade_id, "--out", str(signed.home / "t.json"))
    event = signed.cli("prove", "event", str(CHANGED))
    between = signed.cli("prove", "consistency", "500", "1000")
    checked = signed.cli(
        "check-proof", str(signed.home / "t.json"), "--key", str(signed.key.public)
    )
    assert [each.returncode for each in (good, proved, event, between, checked)] == [0] * 5
    assert json.loads(good.stdout)["ok"]
    assert json.loads(event.stdout)["about"] == CHANGED
    assert json.loads(between.stdout)["kind"] == "consistency"

    for arguments, code, status in (
        (("prove", "event", "999999"), "position_unknown", 1),
        (("prove", "trade", "T-nowhere"), "trade_unknown", 1),
        (("prove", "consistency", "501"), "checkpoint_unknown", 1),
        (("check-proof", "nowhere.json", "--key", str(signed.key.public)), "cannot be read", 2),
        (("check-proof", str(signed.home / "t.json"), "--key", "no key"), "key_malformed", 2),
        (("verify", "--checkpoints", "nowhere.txt"), "cannot be read", 2),
    ):
        refused = signed.cli(*arguments)
        assert (refused.returncode, code in refused.stderr) == (status, True), refused.stderr
