"""A read model's new version is built beside the live one and takes its place."""

import asyncio
import json

import asyncpg
import pytest
from tests.integration.filled_log import Filled
from tests.integration.other_trades import SECOND, THIRD, with_trades
from tests.integration.read_model_desk import (
    Desk,
    Reader,
    copied,
    settle,
    settle_beside,
    settle_together,
)

from danbao.readmodels import trades
from danbao.readmodels.models import READ_MODELS

pytestmark = pytest.mark.servers

BOTH = with_trades(trades.MODEL, SECOND)


async def reader_of(desk: Desk) -> asyncpg.Connection:
    connection = await asyncpg.connect(desk.dsn)
    await connection.execute("SET ROLE danbao_reader")
    return connection


async def test_readers_have_every_answer_while_a_new_version_takes_over(filled: Filled) -> None:
    """No query fails, no row is missed, and what comes out is what the log adds up to."""
    async with copied(filled, "takes_over") as desk:
        await desk.connection.execute(
            "CREATE VIEW public.mine AS SELECT trade_id, title FROM danbao_read.trades"
        )
        before = await desk.connection.fetchval("SELECT max(title) FROM public.mine")
        reader = Reader(await reader_of(desk))
        asking = asyncio.create_task(reader.run())
        projector = desk.projector(BOTH)
        await settle_beside(projector, asyncio.create_task(desk.another_day()))
        await asyncio.wait_for(reader.saw_second.wait(), 10)
        reader.stopped = True
        await asking
        assert reader.versions == {1, 2}
        assert reader.answers > 10
        await reader.connection.close()
        assert await desk.builds("trades") == {"trades_v1_b1": "retired", "trades_v2_b1": "live"}
        assert await desk.wrong(BOTH[:-2]) == await desk.wrong([SECOND]) == 0
        assert await desk.connection.fetchval("SELECT max(title) FROM public.mine") == before + "!"


async def test_a_swap_says_what_the_new_version_has_otherwise(filled: Filled) -> None:
    """Whoever raised the version sees what that did, row by row."""
    async with copied(filled, "says_what") as desk:
        await settle(desk.projector(BOTH))
        text = await desk.connection.fetchval(
            "SELECT difference FROM danbao.projections WHERE name = 'trades' AND state = 'live'"
        )
        found = json.loads(text)
        count = await desk.connection.fetchval("SELECT count(*) FROM danbao_read.trades")
        assert (found["rows"], found["changed"], found["columns"]) == (
            count,
            count,
            {"title": count},
        )
        assert (found["only_old"], found["only_new"], found["left_out"]) == (0, 0, ["events"])
        example = found["examples"][0]
        assert example["new"]["title"] == example["old"]["title"] + "!"


async def test_old_and_new_processes_run_beside_each_other(filled: Filled) -> None:
    """A rolling change: the old one goes on with the live version, and leaves the new one alone."""
    async with copied(filled, "rolling") as desk:
        old, new = desk.projector(READ_MODELS), desk.projector(BOTH)
        await new.step()
        day = asyncio.create_task(desk.another_day())
        while not day.done():
            await settle_together(old, new)
        await day
        await settle_together(old, new)
        assert await desk.builds("trades") == {"trades_v1_b1": "retired", "trades_v2_b1": "live"}
        late = desk.projector(READ_MODELS)
        await settle(late)
        assert await desk.builds("trades") == {"trades_v1_b1": "retired", "trades_v2_b1": "live"}
        assert await desk.wrong([SECOND]) == 0


async def test_a_live_version_whose_code_is_gone_answers_until_it_is_replaced(
    filled: Filled,
) -> None:
    """A deployment that forgot to keep the old code loses nothing but freshness meanwhile."""
    async with copied(filled, "code_gone") as desk:
        await desk.another_day()
        projector = desk.projector(with_trades(SECOND))
        await projector.step()
        assert (await desk.builds("trades"))["trades_v1_b1"] == "live"
        await settle(projector)
        assert await desk.builds("trades") == {"trades_v1_b1": "retired", "trades_v2_b1": "live"}
        assert await desk.wrong([SECOND]) == 0


async def test_two_projectors_build_one_version_once(filled: Filled) -> None:
    """Any number may run: checkpoints are held by one of them."""
    async with copied(filled, "two_at_once") as desk:
        pair = desk.projector(BOTH), desk.projector(BOTH)
        day = asyncio.create_task(desk.another_day())
        await settle_together(*pair)
        await day
        await settle_together(*pair)
        assert await desk.builds("trades") == {"trades_v1_b1": "retired", "trades_v2_b1": "live"}
        assert await desk.wrong(with_trades(SECOND)) == 0


async def test_a_column_that_somebody_needs_is_not_taken_away(filled: Filled) -> None:
    """The live version answers on until whoever needs the column has been told; rights stay."""
    async with copied(filled, "column_goes") as desk:
        await desk.connection.execute(
            "CREATE VIEW public.mine AS SELECT title FROM danbao_read.trades"
        )
        await desk.connection.execute("GRANT SELECT (state) ON danbao_read.trades TO PUBLIC")
        models = with_trades(trades.MODEL, THIRD)
        await settle(desk.projector(models))
        assert await desk.builds("trades") == {"trades_v1_b1": "live", "trades_v3_b1": "building"}
        assert await desk.connection.fetchval("SELECT count(title) FROM public.mine")
        await desk.connection.execute("DROP VIEW public.mine")
        await settle(desk.projector(models))
        assert await desk.builds("trades") == {"trades_v1_b1": "retired", "trades_v3_b1": "live"}
        reader = await reader_of(desk)
        row = await reader.fetchrow("SELECT * FROM danbao_read.trades LIMIT 1")
        await reader.close()
        assert row is not None
        assert "title" not in row
        granted = await desk.connection.fetchval(
            "SELECT has_column_privilege('pg_monitor', 'danbao_read.trades', 'state', 'SELECT')"
        )
        assert granted
        assert await desk.wrong([THIRD]) == 0
