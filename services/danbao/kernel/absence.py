"""Streams that are not there: a decision may rest on that, and nobody can lock what is not there.

One that begins is written by an insert, which fails when somebody was faster.  One that was looked
at in vain is locked before the log is written: a command about a trade that does not exist is
refused, and its refusal stands in the log before whatever begins the trade.
"""

from collections.abc import Sequence

from danbao.kernel.errors import ConflictError
from danbao.kernel.ports import Unit


async def keep_absent(unit: Unit, streams: Sequence[str]) -> None:
    """Lock streams that were absent and do not begin in this unit, until it ends.

    Raises:
        ConflictError: somebody has begun one meanwhile.
    """
    if streams and any(each.version for each in (await unit.lock_streams(streams)).values()):
        raise ConflictError("a stream has begun meanwhile")
