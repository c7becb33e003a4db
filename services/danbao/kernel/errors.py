"""Errors of the kernel, in two families: those that a retry may mend, and those that stop.

A refusal is not an error (it is an answer); an unreadable record is not one either (it becomes a
dead letter).
"""


class DanbaoError(Exception):
    """Base of all errors; `code` is stable, `todo` says what to do about it."""

    code = "danbao_error"
    todo = ""

    def __init__(self, message: str, *, todo: str = "", **facts: object) -> None:
        super().__init__(message)
        self.todo = todo or self.todo
        self.facts = facts


class RetryableError(DanbaoError):
    """Trying the whole unit of work again may succeed."""

    code = "try_again"


class ConflictError(RetryableError):
    """Another worker was faster: a version, a row count or an inbox row is not as it was read."""

    code = "conflict"


class HeldUpError(ConflictError):
    """Others hold what the unit needs, or the server is too slow: no message is to blame."""

    code = "held_up"


class UnavailableError(RetryableError):
    """A server does not answer, has no room left, or the connection to it broke."""

    code = "unavailable"
    todo = "Check that the server runs; `danbao doctor` says what is found."


class TransactionOpenError(UnavailableError):
    """A Kafka transaction stays open: nobody reads beyond it, and the relay does not start."""

    code = "transaction_open"
    todo = "End it with kafka-transactions.sh: docs/how-to/see-through-a-server-that-hangs.md."


class RefusedError(RetryableError):
    """The database refuses what a batch wants to write."""

    code = "refused_by_database"


class OutcomeUnknownError(RetryableError):
    """The connection broke during COMMIT: only reading back tells whether it happened."""

    code = "outcome_unknown"


class FencedError(DanbaoError):
    """Another worker owns the partition by now: drop it, change nothing."""

    code = "fenced"


class StopError(DanbaoError):
    """Going on could lose or double something: an operator must look."""

    code = "stopped"


class SequenceHoleError(StopError):
    """An events partition does not continue where it left off."""

    code = "sequence_hole"
    todo = "Records are missing in the topic: run `danbao doctor`, then repair it from the log."


class OffsetError(StopError):
    """A stored offset does not fit the topic: records were deleted, or the topic is another one."""

    code = "offset_out_of_range"
    todo = "Stop the engine and see what `danbao recover kafka-lost` finds; nothing is skipped."


class TopicRecreatedError(OffsetError):
    """The record that was handled last is another one now."""

    code = "topic_recreated"


class KafkaLostError(StopError):
    """Kafka holds less than was published."""

    code = "kafka_lost"
    todo = "Stop the engine and publish the log again: `danbao recover kafka-lost`."


class LogOlderError(StopError):
    """Kafka or a worker knows more than the log: Postgres was restored to an earlier point."""

    code = "log_older_than_kafka"
    todo = "Stop the engine and bring the tail back: `danbao recover postgres-older`."


class HistoryForkedError(LogOlderError):
    """Kafka and the log tell different stories about the same position."""

    code = "history_forked"
    todo = "Stop the engine; `danbao recover postgres-older` says from where they differ."


class SetupError(StopError):
    """The servers are not as the engine needs them; it refuses to start."""

    code = "setup_refused"


class NotASandboxError(SetupError):
    """The clock of a log that may hold real payments is nobody's to move."""

    code = "not_a_sandbox"
    todo = "Start a sandbox in a home of its own: DANBAO_HOME=.sandbox danbao up --sandbox."


class SandboxLogError(SetupError):
    """A log whose clock may have been moved does not run as a real one."""

    code = "sandbox_log"
    todo = "Start it with `danbao up --sandbox` (DANBAO_SANDBOX=1), or choose another database."


class TopicsGoneError(SetupError):
    """Topics that were made are not there."""

    code = "topics_gone"
    todo = "Is this the right Kafka? If so, do not start before `danbao recover kafka-lost`."


class PartitionsChangedError(SetupError):
    """A topic has not the partitions it was made with: keys moved, order is broken."""

    code = "topic_partitions_changed"
    todo = "Stop the engine and make it anew: `danbao recover kafka-lost`."
