"""An owner of the tables who is no superuser, prepared as the page says."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from danbao.kernel.errors import SetupError
from danbao.kernel.migrate import migrate
from danbao.kernel.postgres.connection import ROLE, ROLES, connect, role_of
from danbao.servers.postgres import PostgresServer

pytestmark = pytest.mark.servers

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "use-your-own-servers.md"
OLDER: Final = "of an older version"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    """A server on which there is no role of ours."""
    started = PostgresServer(tmp_path, print)
    await started.start()
    try:
        yield started
    finally:
        await asyncio.shield(started.stop())
        started.remove_outside_data()


async def execute(dsn: str, *statements: str, process: str | None = None) -> None:
    role = None if process is None else role_of(process)
    connection = await connect(dsn, purpose="test", role=role)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_list_on_the_page_is_all_that_an_owner_needs(server: PostgresServer) -> None:
    """An administrator makes it once for a server; two databases share the roles."""
    [block] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    statements = [words for words in block.split(";\n") if words]
    given = urlsplit(server.address)
    owned = f"postgresql://app:secret@{given.hostname}:{given.port}/"
    early = [words for words in statements if "LOGIN PASSWORD" in words]
    await execute(server.address, *early, "CREATE DATABASE early OWNER app")
    with pytest.raises(SetupError, match="role") as caught:
        await migrate(f"{owned}early")
    assert "use-your-own-servers.md" in caught.value.todo
    await execute(server.address, "DROP DATABASE early", "DROP ROLE app")

    await execute(server.address, *statements, "CREATE DATABASE second OWNER app")

    for database in ("payments", "second"):
        assert await migrate(f"{owned}{database}")
        assert await migrate(f"{owned}{database}") == []
    for process in ROLES:
        await execute(f"{owned}payments", "SELECT FROM danbao.event_log", process=process)


async def test_a_projector_and_an_older_one_work_on_the_same_read_models(
    server: PostgresServer,
) -> None:
    """In a rolling change both are there; each writes what the other begins."""
    dsn = server.address
    await migrate(dsn)
    one = "CREATE TABLE danbao_models.one (x int)"
    show = "CREATE OR REPLACE VIEW danbao_read.m AS TABLE danbao_models."
    await execute(dsn, one, f"{show}one", process="projector")
    two = "CREATE TABLE danbao_models.two (x int)"
    await execute(dsn, "INSERT INTO danbao_models.one VALUES (1)", two, process=OLDER)
    fill = "INSERT INTO danbao_models.two VALUES (2)"
    await execute(dsn, fill, f"{show}two", process="projector")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET ROLE danbao_reader")
        assert await connection.fetchval("SELECT x FROM danbao_read.m") == 2
        await connection.execute(f"SET ROLE {ROLE}")
        await connection.execute("DROP VIEW danbao_read.m")
        await connection.execute("DROP TABLE danbao_models.one, danbao_models.two")
    finally:
        await connection.close()
