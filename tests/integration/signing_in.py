"""Logins of a Postgres for tests."""

from urllib.parse import urlsplit

import asyncpg

PASSWORD = "only-for-this-test"


async def make_login(dsn: str, name: str, role: str, *, inherits: bool = False) -> str:
    """Make a login that is a member of one role and owns nothing, as the page says; its address."""
    connection = await asyncpg.connect(dsn)
    try:
        inherit = "INHERIT" if inherits else "NOINHERIT"
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {inherit}")
        await connection.execute(f"GRANT {role} TO {name}")
    finally:
        await connection.close()
    given = urlsplit(dsn)
    return given._replace(netloc=f"{name}:{PASSWORD}@{given.hostname}:{given.port}").geturl()
