"""What the checkpointer promises on real Kafka and Postgres, whatever becomes of either."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from tests.integration.signed_log import Signed, on, run_sql
from tests.load.filling import FIRST_DAY
from tests.load.market import play_market

from danbao.engine.engine import set_up
from danbao.kernel.errors import FencedError, StopError
from danbao.kernel.settings import Settings
from danbao.proofs.checkpoint import open_checkpoint, sign_checkpoint
from danbao.servers import LocalServers
from danbao.signing.checkpointer import Checkpointer
from danbao.signing.errors import CheckpointBrokenError, LogRewrittenError, LogShorterError
from danbao.signing.keys import KeyFolder

pytestmark = pytest.mark.servers
TRADES = 12
TEMPLATE = "log_template"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Kafka and Postgres, and a database that was set up, to make others from."""
    home = tmp_path_factory.mktemp("signing") / "home"
    home.mkdir()
    local = LocalServers(home, print)
    asyncio.run(local.start())
    try:
        found = local.addresses
        settings = replace(
            Settings(),
            home=home,
            postgres_dsn=found.postgres_dsn,
            kafka_bootstrap=found.kafka_bootstrap,
        )
        asyncio.run(_make_template(settings))
        yield settings
    finally:
        asyncio.run(local.stop())
        local.remove_outside_data()


async def _make_template(settings: Settings) -> None:
    await run_sql(settings, f"CREATE DATABASE {TEMPLATE}")
    await set_up(on(settings, TEMPLATE), print)


@pytest.fixture
async def signed(servers: Settings, tmp_path: Path) -> AsyncIterator[Signed]:
    """A new log with 40 events, nothing of it signed yet."""
    name = f"log_{secrets.token_hex(8)}"
    await run_sql(servers, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    settings = replace(on(servers, name), home=tmp_path)
    owner = await asyncpg.connect(settings.postgres_dsn)
    found = await owner.fetchval(
        "UPDATE danbao.log_heads SET incarnation = gen_random_uuid() RETURNING incarnation"
    )
    incarnation = UUID(bytes=found.bytes)
    KeyFolder(tmp_path).generate(incarnation)
    day = await play_market(TRADES, 5, incarnation, FIRST_DAY)
    log = Signed(settings, owner, day)
    await log.grow(40)
    yield log
    await owner.close()


async def close(*signers: Checkpointer) -> None:
    """Let go of what signers hold."""
    for signer in signers:
        await signer.leave()
        await signer.sink.close()
        await signer.store.close()


async def test_a_growing_log_is_signed_in_three_places(signed: Signed) -> None:
    """Whoever rewrites one of them does not reach the others."""
    signer = signed.signer()
    assert await signer.step() == 40
    assert await signer.step() == 40
    await signed.grow(25)
    assert await signer.step() == 65
    await close(signer)

    assert await signed.sizes() == {"table": [40, 65], "file": [40, 65], "topic": [65]}


async def test_the_next_signer_goes_on_and_two_never_sign_at_once(signed: Signed) -> None:
    """A frozen one may wake at any time."""
    first, second = signed.signer("one", lease_s=60), signed.signer("two", lease_s=60)
    assert (await first.step(), await second.step()) == (40, 0)
    assert second.unready() == []
    await first.leave()
    await signed.grow(10)
    assert await second.step() == 50
    await signed.grow(10)
    assert await first.step() == 40
    with pytest.raises(FencedError):
        await first._keep(60, bytes(32), "a second opinion")  # as if it had not noticed
    assert await second.step() == 60
    await close(first, second)

    assert (await signed.sizes())["table"] == [40, 50, 60]


async def test_what_one_place_lacks_comes_back_from_another(signed: Signed) -> None:
    """A crash between two writes, a new home, a Kafka that was lost."""
    signer = signed.signer()
    await signer.step()
    await close(signer)
    await signed.tamper("TRUNCATE danbao.log_checkpoints")
    signer = signed.signer()
    assert await signer.step() == 40
    await close(signer)
    assert (await signed.sizes())["table"] == [40]

    signed.file.path.unlink()
    signer = signed.signer()
    assert await signer.step() == 40
    await close(signer)
    assert await signed.sizes() == {"table": [40], "file": [40], "topic": [40]}


REWRITTEN = "UPDATE danbao.event_log SET leaf_hash = sha256('') WHERE position = 7"
CUT = (
    "DELETE FROM danbao.event_log WHERE position > 30",
    "UPDATE danbao.log_heads SET position = 30",
)
FORGOTTEN = "TRUNCATE danbao.log_checkpoints"


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        ((REWRITTEN,), LogRewrittenError),
        ((REWRITTEN, FORGOTTEN), LogRewrittenError),
        (CUT, LogShorterError),
        ((*CUT, FORGOTTEN), LogShorterError),
        (("UPDATE danbao.log_checkpoints SET note = note || 'x'",), CheckpointBrokenError),
    ],
)
async def test_a_log_that_is_not_what_was_signed_is_never_signed_again(
    signed: Signed, statements: tuple[str, ...], error: type[StopError]
) -> None:
    """A second history under one name is what a signature must rule out."""
    signer = signed.signer()
    await signer.step()
    await close(signer)
    before = signed.file.path.read_bytes()
    await signed.tamper(*statements)
    signer = signed.signer()
    with pytest.raises(error):
        await signer.step()
    await close(signer)
    assert signed.file.path.read_bytes() == before


async def test_a_log_cut_short_under_a_running_signer_stops_it(signed: Signed) -> None:
    """Postgres was restored to an earlier point, and nobody told the signer."""
    signer = signed.signer()
    await signer.step()
    await signed.tamper(*CUT)
    with pytest.raises(LogShorterError):
        await signer.step()
    await close(signer)


async def test_an_older_log_is_signed_again_once_its_tail_is_back(signed: Signed) -> None:
    """The same rows at the same times are the same leaves."""
    signer = signed.signer()
    await signer.step()
    await close(signer)
    await signed.tamper(
        "CREATE TABLE kept AS SELECT * FROM danbao.event_log WHERE position > 30", *CUT
    )
    await signed.tamper(
        "INSERT INTO danbao.event_log SELECT * FROM kept",
        "UPDATE danbao.log_heads SET position = 40",
    )
    await signed.grow(5)
    signer = signed.signer()
    assert await signer.step() == 45
    await close(signer)
    assert (await signed.sizes())["file"] == [40, 45]


async def test_a_rotated_key_signs_from_the_next_checkpoint_on(signed: Signed) -> None:
    """Nothing is stopped or started for it, and what the old key signed is still good."""
    signer = signed.signer()
    await signer.step()
    folder = KeyFolder(signed.settings.home)
    found = await signed.owner.fetchval("SELECT incarnation FROM danbao.log_heads")
    new = folder.rotate(UUID(bytes=found.bytes))
    await signed.grow(5)
    assert await signer.step() == 45
    await close(signer)

    last = signed.file.last(new.name)
    assert last is not None
    assert open_checkpoint(last, [new])[0].size == 45
    assert (await signed.sizes())["table"] == [40, 45]


async def test_a_signed_checkpoint_in_the_topic_alone_is_held_against_the_log(
    signed: Signed,
) -> None:
    """Table and file may both be gone."""
    found = await signed.owner.fetchval("SELECT incarnation FROM danbao.log_heads")
    key = KeyFolder(signed.settings.home).private(UUID(bytes=found.bytes))
    signer = signed.signer()
    await signer.sink.publish(key.public.name, sign_checkpoint(key, 40, bytes(32)))
    with pytest.raises(LogRewrittenError, match="topic"):
        await signer.step()
    await close(signer)
