"""Gets a process of the engine stuck on demand; Python imports this at start from PYTHONPATH.

SIGUSR1 cancels the task in which aiokafka fetches, as faults of its own once did (983, 1154):
the consumer lives, stays in its group, and never gives a record again.  SIGUSR2 makes every look
at the log, the read models or the timers wait for ever, as an answer that never comes.
"""

import asyncio
import gc
import signal


def _stop_fetching(*_: object) -> None:
    for thing in gc.get_objects():
        if type(thing).__name__ == "Fetcher":
            thing._fetch_task.cancel()


def _never_answer(*_: object) -> None:
    from danbao.kernel.postgres.store import PostgresStore  # noqa: PLC0415 - only once it is wanted

    async def wait(*_: object) -> object:
        return await asyncio.get_running_loop().create_future()

    PostgresStore.read_log = wait  # type: ignore[method-assign, assignment]
    PostgresStore.connection = wait  # type: ignore[method-assign, assignment]
    PostgresStore.due_timers = wait  # type: ignore[method-assign, assignment]


signal.signal(signal.SIGUSR1, _stop_fetching)
signal.signal(signal.SIGUSR2, _never_answer)
