"""Whether a run counts: count = head = sent, nothing refused, and the auditor finds nothing."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from danbao.bench.errors import VoidError
from danbao.bench.whole_trades import EVENTS_A_TRADE
from danbao.engine.record import EngineRecord


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent to an empty engine."""

    trades: int
    commands: int
    """With different ids, those for accounts included."""
    account_events: int


def check_counts(counts: Mapping[str, int], sent: Sent) -> None:
    """Compare what the log holds with what was sent.

    Raises:
        VoidError: they differ; the message has both.
    """
    events = sent.account_events + sent.trades * EVENTS_A_TRADE
    expected = {
        "head": events,
        "events": events,
        "last": events,
        "answered": sent.commands,
        "refused": 0,
        "declined": 0,
        "dead_letters": 0,
        "released": sent.trades,
        "credited": sent.trades,
    }
    wrong = [
        f"{name} {counts[name]:,}, not {count:,}"
        for name, count in expected.items()
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
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise VoidError(f"the auditor ended with {done.returncode}:\n{said}")
