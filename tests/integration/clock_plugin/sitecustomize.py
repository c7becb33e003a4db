"""Jumps the clock of a process on demand; Python imports this at start from PYTHONPATH.

SIGUSR1 sets this machine's clock, as the process sees it, 400 days ahead; SIGUSR2 an hour back;
SIGHUP puts it right again.
"""

import datetime as dt
import signal

JUMPS = {
    signal.SIGUSR1: dt.timedelta(days=400),
    signal.SIGUSR2: dt.timedelta(hours=-1),
    signal.SIGHUP: dt.timedelta(0),
}


def _jump(number: int, _: object) -> None:
    from danbao.kernel import clock  # noqa: PLC0415 - only once it is wanted

    class Jumped(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime.now(tz) + JUMPS[signal.Signals(number)]  # noqa: TID251

    clock.datetime = Jumped  # type: ignore[misc, attr-defined]


for each in JUMPS:
    signal.signal(each, _jump)
