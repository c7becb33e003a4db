"""What can go wrong when Kafka and Postgres are found or started, one stable code for each case.

The message says what happened, `todo` says what a person can do about it; the command line
prints both and ends with status 3 (unavailable).
"""

from enum import StrEnum

from danbao.kernel.errors import DanbaoError


class ServerCode(StrEnum):
    """The closed list of failures; a code is never renamed and never removed."""

    JAVA_MISSING = "java_missing"
    JAR_CHECKSUM_MISMATCH = "jar_checksum_mismatch"
    NETWORK_NEEDED = "network_needed"
    KAFKA_START_FAILED = "kafka_start_failed"
    POSTGRES_MISSING = "postgres_missing"
    POSTGRES_START_FAILED = "postgres_start_failed"
    POSTGRES_USER_MISSING = "postgres_user_missing"
    DOCKER_START_FAILED = "docker_start_failed"
    HOME_IN_USE = "home_in_use"
    HOME_NOT_WRITABLE = "home_not_writable"
    NOT_STARTED = "not_started"


class ServerError(DanbaoError):
    """A server could not be found, started or stopped."""

    def __init__(self, code: ServerCode, message: str, *, todo: str = "") -> None:
        """Keep the facts apart, so that a caller matches on `code` and never on words."""
        super().__init__(message, todo=todo)
        self.code = code
