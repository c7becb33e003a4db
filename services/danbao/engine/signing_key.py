"""The key that signs the log: made at the first start of a home, never replaced by itself."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from danbao.kernel.errors import SetupError
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.signing.errors import KeyMissingError
from danbao.signing.keys import KeyFolder


async def ensure_key(dsn: str, home: Path, report: Callable[[str], None]) -> None:
    """Make the key of this log if this home has none.

    Raises:
        KeyUnsafeError: there is one, and it cannot be used.
        UnavailableError: Postgres does not answer.
    """
    incarnation, was_signed = await _log_of(dsn)
    folder = KeyFolder(home)
    try:
        folder.private(incarnation)
    except KeyMissingError:
        made = folder.generate(incarnation)
        report(f"made the key {made.id.hex()} that signs the log: `danbao keys show`")
        if was_signed:
            report(
                "warning (key_missing): checkpoints of this log were signed with a key that is not "
                f"in {folder.path}. Bring it back, or tell whoever checks that the key is new"
            )


async def _log_of(dsn: str) -> tuple[UUID, bool]:
    """Which log this is, and whether anything of it was signed."""
    connection = await connect(dsn, purpose="set-up", session=PATIENT)
    try:
        row = await connection.fetchrow(
            "SELECT incarnation, EXISTS (SELECT FROM danbao.log_checkpoints WHERE shard = 0)"
            " AS was_signed FROM danbao.log_heads WHERE shard = 0"
        )
    finally:
        await connection.close()
    if row is None:
        raise SetupError("the log has no head")
    return UUID(bytes=row["incarnation"].bytes), row["was_signed"]
