"""A trap in the database: what it refuses becomes a dead letter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.running_engine import RunningEngine

SET = """
CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'trapped' USING ERRCODE = 'data_exception';
END
$$;
CREATE TRIGGER trap BEFORE INSERT ON danbao.event_log
    FOR EACH ROW WHEN (NEW.stream LIKE '{}') EXECUTE FUNCTION public.trap();
"""
RELEASE = """
DROP TRIGGER IF EXISTS trap ON danbao.event_log;
DROP FUNCTION IF EXISTS public.trap();
"""


@asynccontextmanager
async def trap(engine: RunningEngine, streams: str) -> AsyncIterator[None]:
    """Refuse every event of streams like this, as long as it is open."""
    async with engine.database() as database:
        await database.execute("RESET ROLE")
        await database.execute(SET.format(streams))
        try:
            yield
        finally:
            await database.execute(RELEASE)
