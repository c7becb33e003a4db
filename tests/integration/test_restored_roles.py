"""A backup on a server that knows no role of ours: each process may do there what it could."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from tests.integration.filled_log import Filled
from tests.integration.read_model_desk import Desk, settle

from danbao.kernel.postgres.connection import ROLES, connect, role_of
from danbao.readmodels.models import READ_MODELS
from danbao.recovery.backup import back_up
from danbao.recovery.restore import restore_checked
from danbao.servers.postgres import PostgresServer

pytestmark = pytest.mark.servers

OWNERS = """
SELECT c.relname, pg_get_userbyid(c.relowner) FROM pg_class AS c
WHERE c.relnamespace IN ('danbao_models'::regnamespace, 'danbao_read'::regnamespace)
    AND c.relkind IN ('r', 'v')
"""


async def test_processes_work_on_a_restored_database_with_their_own_roles(
    filled: Filled, tmp_path: Path
) -> None:
    """Roles are the server's, so no dump has them; what they own and may is there again."""
    await back_up(filled.dsn, tmp_path / "backup")
    owners = await owners_of(filled.dsn)
    server = PostgresServer(tmp_path / "home", print)
    await server.start()
    try:
        await restore_checked(server.address, tmp_path / "backup")

        assert await owners_of(server.address) == owners
        assert set(owners.values()) > {role_of("projector")}, "and the owner of the tables"
        for role in ROLES.values():
            connection = await connect(server.address, purpose="test", role=role)
            assert await connection.fetchval("SELECT current_user") == role
            await connection.fetch("SELECT FROM danbao.event_log LIMIT 1")
            await connection.close()
        desk = Desk(server.address, await asyncpg.connect(server.address))
        try:
            await desk.another_day()
            await settle(desk.projector(READ_MODELS))
            assert await desk.wrong(READ_MODELS) == 0
        finally:
            await desk.close()
    finally:
        await asyncio.shield(server.stop())
        server.remove_outside_data()


async def owners_of(dsn: str) -> dict[str, str]:
    """Who owns each table and view of a read model."""
    connection = await asyncpg.connect(dsn)
    try:
        return dict(await connection.fetch(OWNERS))
    finally:
        await connection.close()
