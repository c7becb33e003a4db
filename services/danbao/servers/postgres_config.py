"""The settings of the local Postgres: durable first, then quiet, then modest."""

from pathlib import Path

from danbao.servers.ports import LOOPBACK

OWNER = "danbao"
DATABASE = "danbao"


def settings(*, port: int, has_lz4: bool) -> dict[str, str]:
    """Return the server settings as `-c name=value` pairs."""
    return {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",  # One way in; a socket path may be too long besides.
        "max_connections": "100",
        # Durable: danbao refuses to run on a database that is not (reliability P5).
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_compression": "lz4" if has_lz4 else "off",
        # Spread checkpoints, and not too few of them: each makes the WAL grow by whole pages, and
        # its old segments are written again.  A new one costs who needs it up to 0.15 s.
        "max_wal_size": "1GB",
        "min_wal_size": "1GB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "shared_buffers": "256MB",
        "random_page_cost": "1.1",
        "jit": "off",
        # Quiet when idle: commits wake the WAL writer anyway, synchronous ones never wait for it.
        "wal_writer_delay": "1s",
        "bgwriter_delay": "1s",
        "bgwriter_lru_maxpages": "400",
        # Vacuum often, a little each time, pages that are in memory and in this checkpoint's WAL
        # still: whoever waits until a fifth is new writes 40 MB of WAL a second meanwhile (ADR 22).
        "autovacuum": "on",
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_insert_scale_factor": "0",
        "autovacuum_vacuum_insert_threshold": "50000",
        "autovacuum_vacuum_cost_delay": "10ms",
        "autovacuum_analyze_scale_factor": "0.5",
        "default_statistics_target": "10",  # Rows are looked up by key; a sample of 3,000 will do.
        "max_parallel_workers": "2",
        "io_method": "sync",  # No processes that only read ahead: the data fits in memory.
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "cluster_name": OWNER,
    }


def initdb_command(initdb: Path, data: Path, password_file: Path) -> list[str]:
    """Return the command that makes the data folder; text sorts by code point on every machine."""
    options = ["-U", OWNER, "-A", "scram-sha-256", f"--pwfile={password_file}", "--data-checksums"]
    options += ["-E", "UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [str(initdb), "-D", str(data), *options]


def createdb_command(createdb: Path, port: int) -> list[str]:
    """Return the command that makes the database; the password comes by environment."""
    return [str(createdb), "-h", LOOPBACK, "-p", str(port), "-U", OWNER, "-w", DATABASE]


def server_command(postgres: Path, data: Path, values: dict[str, str]) -> list[str]:
    """Return the command that starts the server; the data folder names it in a process list."""
    pairs = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    return [str(postgres), "-D", str(data), *pairs]
