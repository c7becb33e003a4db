"""Logging: structlog, one JSON object a line on stderr (style 4.23).

An event's name is `noun.past`.  One line a batch at debug, none a message; never payloads, amounts
beside names, or numbers of cards and accounts.  `KEYS` is all that a line may say; a test holds
every call against it.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Final

import structlog

KEYS: Final[Mapping[str, str]] = {
    "event": "what happened, `noun.past`",
    "level": "debug, info, warning or error",
    "timestamp": "when, RFC 3339 in UTC",
    "process": "name of the process, such as `escrow` or `relay`",
    "worker": "which of that name",
    "service": "the service at work",
    "stream_id": "a stream, such as `trade/T-1`",
    "command_id": "id of a command",
    "event_id": "id of an event",
    "correlation_id": "the conversation",
    "flow": "partition key of a flow",
    "position": "place in the log",
    "topic": "a topic of Kafka",
    "partition": "its partition",
    "offset": "place in that partition",
    "duration_ms": "how long it took",
    "error_code": "stable code of an error of ours",
    "error": "its text, cut short",
    "todo": "what to do about it",
    "reason": "why, in words",
    "exception": "traceback of what nobody foresaw",
    "exit_code": "status with which the process ends",
    "health": "address of `/livez`, `/readyz` and `/metrics`",
    "owner": "who holds a lease",
    "model": "a read model",
    "version": "its version",
    "state": "building or live",
    "rows": "rows compared",
    "only_old": "rows that only the live build has",
    "only_new": "rows that only the new build has",
    "changed": "rows that differ",
    "records": "records in a batch",
    "events": "events appended",
    "duplicates": "commands answered before",
    "retried": "dead letters handled after all",
    "failed": "dead letters tried in vain",
}
"""Every key of every line, with its meaning."""


def configure_logging(
    *, process: str, worker: str, level: str = "info", pretty: bool = False
) -> None:
    """Set up logging for one process; nothing below `level` is logged."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(message)s")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(process=process, worker=worker)
