"""The books as of any position: closings on real Postgres against plain folds in memory."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import asyncpg
import pytest
from tests.integration.filled_log import EVERY, UNCLOSED, Filled, postings_of

from danbao.analysis.account_page import account_pages, entries
from danbao.analysis.balances import lines_as_of
from danbao.analysis.closings import check_closings, closing_positions
from danbao.analysis.errors import NotThereError
from danbao.analysis.moments import Span, place_at, span_of
from danbao.analysis.statement import read_statement
from danbao.contracts.chart import class_of
from danbao.kernel.messages import LogRow
from danbao.kernel.postgres.connection import PATIENT, connect

pytestmark = pytest.mark.servers

RANDOM = Random(11)


@pytest.fixture
async def connection(filled: Filled) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(filled.dsn, purpose="test", session=PATIENT)
    yield opened
    await opened.close()


async def test_a_trial_balance_as_of_any_position_is_the_fold(
    filled: Filled, connection: asyncpg.Connection
) -> None:
    """What closings shorten they must not change, at closings, beside them and at both ends."""
    end = len(filled.rows)
    places = [0, 1, EVERY - 1, EVERY, EVERY + 1, end - UNCLOSED, end]
    for position in [*places, *RANDOM.sample(range(end), 40)]:
        expected: Counter[tuple[str, str]] = Counter()
        counts: Counter[tuple[str, str]] = Counter()
        for (account, currency), minor in filled.fold(position).items():
            expected[class_of(account), currency] += minor
            counts[class_of(account), currency] += minor != 0

        lines = await lines_as_of(connection, position)

        found = {(line.account_class, line.currency): line for line in lines}
        assert {key: line.balance_minor for key, line in found.items()} == dict(expected)
        assert {key: line.accounts for key, line in found.items()} == dict(counts)
        assert lines == await lines_as_of(connection, position, fold=True)


async def test_an_account_page_runs_from_opening_to_closing(
    filled: Filled, connection: asyncpg.Connection
) -> None:
    """Every entry once, in order; the balances are those of the fold."""
    end = len(filled.rows)
    accounts = sorted({account for account, _ in filled.fold(end)})
    for account in ["R.CB", "O.INC.FEE", *RANDOM.sample(accounts, 25)]:
        after, upto = sorted(RANDOM.sample(range(end + 1), 2))
        try:
            pages = await account_pages(connection, account, Span(after, upto))
        except NotThereError:
            assert account not in {name for name, _ in filled.fold(upto)}
            continue
        for page in pages:
            key = (account, page.currency)
            walked = [entry async for entry in entries(connection, page)]

            assert page.opening_minor == filled.fold(after).get(key, 0)
            assert page.closing_minor == filled.fold(upto)[key]
            assert walked == sorted(walked, key=lambda entry: entry.position)
            assert all(after < entry.position <= upto for entry in walked)
            assert len(walked) == _entries(filled.rows[after:upto], account, page.currency)
            last = walked[-1].balance_minor if walked else page.opening_minor
            assert last == page.closing_minor


def _entries(rows: Sequence[LogRow], account: str, currency: str) -> int:
    return sum(
        posting.currency == currency and account in (posting.debit, posting.credit)
        for row in rows
        for posting in postings_of(row)
    )


async def test_a_statement_adds_up_to_the_accounts(
    filled: Filled, connection: asyncpg.Connection
) -> None:
    """At rest: what was credited net and not paid out is what the merchant's accounts have."""
    end = len(filled.rows)
    merchants = {row.stream[9:] for row in filled.rows if row.stream.startswith("merchant/")}
    balances = filled.fold(end)
    for merchant in sorted(merchants):
        whole = await read_statement(connection, merchant, Span(0, end))

        for total in whole.totals:
            assert total.pending_minor == balances.get((f"R.MPEND.{merchant}", total.currency), 0)
            assert total.gross_minor == total.net_minor + total.fee_minor
            left = total.net_minor - total.paid_minor
            assert left == total.pending_minor + total.available_minor


async def test_a_time_is_a_prefix_of_the_log(
    filled: Filled, connection: asyncpg.Connection
) -> None:
    """As of a time is everything recorded up to it, and nothing else."""
    tick = timedelta(microseconds=1)
    for row in RANDOM.sample(list(filled.rows), 20):
        at = row.recorded_at
        upto = [each.position for each in filled.rows if each.recorded_at <= at][-1]
        assert (await place_at(connection, at)).position == upto
        first = next(each.position for each in filled.rows if each.recorded_at >= at)
        assert await span_of(connection, at, at) == Span(first - 1, upto)
        if first > 1:
            assert (await place_at(connection, at - tick)).position == first - 1


@pytest.mark.parametrize("table", ["closings", "account_turnovers", "trial_balances"])
@pytest.mark.parametrize("statement", ["DELETE FROM danbao.{}", "TRUNCATE danbao.{}"])
async def test_closings_are_append_only(
    connection: asyncpg.Connection, table: str, statement: str
) -> None:
    """What was closed stays as it was, also for the owner of the tables."""
    await connection.execute("RESET ROLE")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute(statement.format(table))


async def test_a_changed_closing_is_found_and_named(connection: asyncpg.Connection) -> None:
    """Whoever owns the tables can change a closing; the log says what it must be."""
    closings = await closing_positions(connection)
    good = await check_closings(connection, closings, lambda _: None)
    assert (good.closings, good.problems) == (len(closings), [])
    changes = {
        "net_minor = net_minor + 1": "account R.CB in CNY",
        "positions = positions[2:]": "account R.CB in CNY",
        "account = 'R.CB.X'": "account R.CB.X in CNY",
    }
    await connection.execute("RESET ROLE")
    upto = await connection.fetchval(
        "SELECT min(upto) FROM danbao.account_turnovers WHERE account = 'R.CB' AND currency = 'CNY'"
    )
    for change, words in changes.items():
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("ALTER TABLE danbao.account_turnovers DISABLE TRIGGER ALL")
        await connection.execute(
            f"UPDATE danbao.account_turnovers SET {change} "
            "WHERE account = 'R.CB' AND currency = 'CNY' AND upto = $1",
            upto,
        )
        found = await check_closings(connection, closings, lambda _: None)
        await transaction.rollback()

        assert any(problem.startswith(f"closing at {upto}: {words}") for problem in found.problems)


def ask(filled: Filled, home: Path, *arguments: str) -> tuple[int, str, str]:
    done = filled.cli(home, "ledger", *arguments)
    return done.returncode, done.stdout, done.stderr


def test_the_command_line_answers_people_and_programs(filled: Filled, tmp_path: Path) -> None:
    """One question in three forms; a wrong one has its status and changes nothing."""
    code, text, _ = ask(filled, tmp_path, "trial-balance", "--at", "1000")
    assert code == 0
    assert "as of position 1,000" in text
    code, text, _ = ask(filled, tmp_path, "trial-balance", "--at", "1000", "--json")
    answer = json.loads(text)
    assert (code, answer["position"], answer["balanced"]) == (0, 1000, True)
    code, text, _ = ask(filled, tmp_path, "reserve", "--json")
    assert code == 0
    assert all(each["holds"] for part in ("equation", "coverage", "mirrors")
               for each in json.loads(text)[part])  # fmt: skip
    code, text, _ = ask(filled, tmp_path, "account", "R.CB", "--csv")
    assert code == 0
    assert len(text.splitlines()) > 1
    merchant = next(row.stream[9:] for row in filled.rows if row.stream.startswith("merchant/"))
    code, text, _ = ask(filled, tmp_path, "statement", merchant)
    assert code == 0
    assert "pending now" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("trial-balance", "--at", "99999999"), 1, "beyond the last event"),
        (("reserve", "--at", "2001-01-01"), 1, "before the first event"),
        (("account", "R.CUST.nobody.AVAILABLE"), 1, "no entry"),
        (("statement", "nobody"), 1, "no credit"),
        (("account", "R.CB", "--from", "500", "--to", "400"), 1, "after the last event"),
        (("trial-balance", "--at", "soon"), 2, "no position, date or time"),
        (("trial-balance", "--json", "--csv"), 2, "exclude each other"),
    ],
    ids=str,
)
def test_a_question_without_an_answer_says_why(
    filled: Filled, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """A clear text and a stable status, never a table of zeros."""
    found, text, error = ask(filled, tmp_path, *arguments)

    assert (found, text) == (code, "")
    assert words in error
    assert "Traceback" not in error
