"""Settings: read once from `DANBAO_*`, then passed as a value; nothing else reads the environment.

Every limit of the engine has its name here, with its unit and its default.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

PREFIX = "DANBAO_"
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set; field `poll_s` is read from `DANBAO_POLL_S`, and so on."""

    postgres_dsn: str = ""
    """Address of Postgres; empty means: the local server that `danbao up` manages."""
    kafka_bootstrap: str = ""
    """Address of Kafka, `host:port[,…]`; empty means: the local broker."""
    kafka_username: str = ""
    """Who we are to Kafka, by SCRAM-SHA-512; empty: nobody asks."""
    kafka_password: str = field(default="", repr=False)
    """The password to it; given by the environment only, and shown nowhere."""
    kafka_tls: bool = False
    """Speak TLS with Kafka."""
    kafka_ca_file: str = ""
    """PEM certificates that Kafka's is checked against; empty: those of this machine."""
    home: Path = Path(".danbao")
    """Data, logs and state of the local servers."""
    partitions: int = 8
    """Partitions of every topic; recorded at creation and never changed afterwards."""
    batch_records_max: int = 750
    """Records decided in one transaction; fewer cost more each, more keep others waiting."""
    batch_wait_ms: int = 1_000
    """How long a worker waits for a first record before it looks at its duties again."""
    fetch_bytes_max: int = 262_144
    """Kept ready of each partition; a larger record is fetched alone."""
    command_bytes_max: int = 65_536
    """A larger command is set aside as a dead letter."""
    relay_chunk_max: int = 4_000
    """Events that the relay publishes at once."""
    relay_linger_ms: int = 5
    """The relay gathers events for so long: fewer, larger requests, a little later."""
    relay_lease_s: int = 6
    """A relay that has not renewed its lease for so long may be replaced."""
    projector_slice_max: int = 5_000
    """Log rows in one transaction of the projector."""
    projector_linger_ms: int = 40
    """The projector gathers events for so long: changes of one row are written once."""
    books_close_every: int = 10_000
    """Positions from one closing of the books to the next."""
    poll_s: float = 2.0
    """How often relay and projector look at the log when no notification came."""
    checkpoint_every_s: float = 3.0
    """How often the log's head is signed while the log grows."""
    signer_lease_s: int = 6
    """Who signs and has not renewed its lease for so long may be replaced."""
    timer_poll_s: float = 0.5
    """How often the scheduler looks for due timers."""
    session_timeout_ms: int = 6_000
    """Kafka group session: a dead worker's partitions move to others after this."""
    health_host: str = "127.0.0.1"
    """Where `/livez` and `/readyz` are answered; loopback unless a prober comes from outside."""
    health_port: int = 0
    """Port of `/livez` and `/readyz`; 0 takes a free one and logs it."""
    turn_within_s: int = 60
    """A main loop that has not come round for so long is dead: `/livez` says so, the watch ends it.
    """
    stuck_after_s: float = 15.0
    """Work that waits while nothing moves for so long: the process ends, to be started anew."""
    answer_within_s: float = 10.0
    """Postgres silent for longer: not ready."""
    projector_behind_max: int = 50_000
    """Read models further behind the log, in events: not ready."""
    log_level: str = "info"
    """Least level that is logged: `debug` has a line for each batch."""
    trace_endpoint: str = ""
    """Where spans go by OTLP over HTTP, `http://collector:4318/v1/traces`; empty: no traces."""
    trace_ratio: float = 0.01
    """Share of the traces that are kept, where upstream gave no `traceparent` that says."""
    sandbox: bool = False
    """A log of play money, whose clock may be moved; decided at its first start, for ever."""
    worker_id: str = "0"
    """Tells workers of one service apart in logs and client ids."""
    crash_at: str = ""
    """Test only: `point:hit[:stop]`, see danbao.kernel.crash."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read `DANBAO_*`.

        Raises:
            ValueError: a value that is not of the field's type, naming the variable.
        """
        source = os.environ if environment is None else environment
        values: dict[str, object] = {}
        for each in fields(cls):
            name = PREFIX + each.name.upper()
            if name not in source:
                continue
            values[each.name] = _parse(name, source[name], type(getattr(cls(), each.name)))
        if (level := values.get("log_level", "info")) not in LEVELS:
            message = f"DANBAO_LOG_LEVEL={level!r}: expected one of {', '.join(LEVELS)}"
            raise ValueError(message)
        return cls(**values)  # type: ignore[arg-type]


def _parse(name: str, text: str, kind: type) -> object:
    """Turn the text of one variable into the type of its default."""
    if kind is bool:
        if text.lower() not in {"1", "0", "true", "false", "yes", "no"}:
            message = f"{name}={text!r}: expected 1 or 0"
            raise ValueError(message)
        return text.lower() in {"1", "true", "yes"}
    try:
        return kind(text)
    except ValueError as error:
        message = f"{name}={text!r}: expected {kind.__name__}"
        raise ValueError(message) from error
