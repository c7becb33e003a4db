"""Plants one bug in a process of the engine; Python imports this at start from PYTHONPATH.

`DANBAO_PLANTED` names the bug.  The suite and the auditor must find each: whoever breaks a promise
by mistake is found the same way.  No code of the engine knows of this.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace

LOOPS_S = 20


def _offset_not_fenced() -> None:
    """A worker whose partition is another's by now writes all the same.

    With `DANBAO_FALLS_ASLEEP` it freezes once it has read a release, before it decides.
    """
    from danbao.kernel import attempt, retries, worker  # noqa: PLC0415
    from danbao.kernel.postgres import unit  # noqa: PLC0415

    def no_fence(*_: object) -> None:
        return None

    attempt.check_fence = no_fence
    retries.check_fence = no_fence
    unit.Q["write"] = unit.Q["write"].replace("AND o.epoch = n.epoch", "")
    handle = worker.Worker._handle
    is_frozen = "DANBAO_FALLS_ASLEEP" not in os.environ

    async def freeze_first(self: worker.Worker, records: object) -> object:
        nonlocal is_frozen
        released = ("ce_type", b"escrow.trade_released.v1")
        if not is_frozen and any(released in each.headers for each in records):  # type: ignore[attr-defined]
            is_frozen = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return await handle(self, records)  # type: ignore[arg-type]

    worker.Worker._handle = freeze_first  # type: ignore[method-assign, assignment]


def _head_held() -> None:
    """No time-out of Postgres takes the head row from a client that sleeps."""
    from danbao.kernel.postgres import connection as postgres  # noqa: PLC0415

    postgres.TIMEOUTS.update(dict.fromkeys(postgres.TIMEOUTS, "0"))


def _inbox_left_out() -> None:
    """Answers are written, and nobody notes which command they belong to."""
    from danbao.kernel.postgres.unit import PostgresUnit  # noqa: PLC0415

    append = PostgresUnit._append

    async def without_answers(self: PostgresUnit, service: str, writes: object) -> int:
        writes.answers.clear()  # type: ignore[attr-defined]
        return await append(self, service, writes)  # type: ignore[arg-type]

    PostgresUnit._append = without_answers  # type: ignore[method-assign, assignment]


def _old_reader() -> None:
    """Not a bug: a version that was written before payments were requested as they are now."""
    from danbao.contracts.catalogue import EVENTS  # noqa: PLC0415

    EVENTS["authorization.payment_requested.v1"].VERSION = 0


def _newer_model() -> None:
    """Not a bug: code that brings a later version of a read model, which has to be built."""
    from danbao.readmodels import models  # noqa: PLC0415

    version = int(os.environ["DANBAO_MODEL_VERSION"])
    models.READ_MODELS = tuple(
        replace(model, version=version) if model.name == "trades" else model
        for model in models.READ_MODELS
    )


def _decisions(spoilt: Callable[[], None]) -> None:
    """Let every decision about a trade whose id says so do something first."""
    from danbao.kernel.batch import Batch  # noqa: PLC0415

    decide = Batch._decide_wish

    def decide_badly(self: Batch, draft: object, wish: object, cause: object) -> object:
        if "spoilt" in str(getattr(wish, "trade_id", "")):
            spoilt()
        return decide(self, draft, wish, cause)  # type: ignore[arg-type]

    Batch._decide_wish = decide_badly  # type: ignore[method-assign, assignment]


def _decision_raises() -> None:
    def spoilt() -> None:
        raise RuntimeError("planted")

    _decisions(spoilt)


def _decision_loops() -> None:
    _decisions(lambda: time.sleep(LOOPS_S))


BUGS = {
    "old_reader": _old_reader,
    "newer_model": _newer_model,
    "decision_raises": _decision_raises,
    "decision_loops": _decision_loops,
    "offset_not_fenced": _offset_not_fenced,
    "head_held": _head_held,
    "inbox_left_out": _inbox_left_out,
}
if name := os.environ.get("DANBAO_PLANTED"):
    BUGS[name]()
    sys.stderr.write(f"planted: {name}\n")
