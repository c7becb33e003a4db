"""Whether a run counts: count = head = sent, nothing refused, and the auditor finds nothing."""

import os
import shlex
import subprocess
from collections.abc import Mapping

from danbao.bench.errors import VoidError
from danbao.bench.whole_trades import Expected
from danbao.engine.record import EngineRecord

SAID_MAX = 2_000


def check_counts(counts: Mapping[str, int], expected: Expected) -> None:
    """Compare what an engine holds that began with nothing with what was sent to it.

    Raises:
        VoidError: they differ; the message has both.
    """
    wanted = {
        "head": expected.events,
        "events": expected.events,
        "last": expected.events,
        "answered": expected.commands + expected.timers,
        "refused": 0,
        "declined": expected.declined,
        "dead_letters": 0,
        "released": expected.credited,
        "credited": expected.credited,
    }
    wrong = [
        f"{name} {counts[name]:,}, not {count:,}"
        for name, count in wanted.items()
        if counts[name] != count
    ]
    if wrong:
        raise VoidError(f"count, head and what was sent differ: {'; '.join(wrong)}")


def run_audit(command: str, record: EngineRecord) -> None:
    """Run an auditor with the engine's addresses in its environment and in place of `{…}`.

    Raises:
        VoidError: it ended with another status than 0.
    """
    addresses = {
        "DANBAO_POSTGRES_DSN": record.postgres_dsn,
        "DANBAO_KAFKA_BOOTSTRAP": record.kafka_bootstrap,
    }
    named = {"{dsn}": record.postgres_dsn, "{bootstrap}": record.kafka_bootstrap}
    words = [named.get(word, word) for word in shlex.split(command)]
    done = subprocess.run(  # noqa: S603 - the user's own command
        words, env={**os.environ, **addresses}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-SAID_MAX:]
        raise VoidError(f"the auditor ended with {done.returncode}:\n{said}")
