"""Free ports on loopback: the recorded ones while nobody else has them, else what the system gives.

Between the choice and the server's own bind another program may take a port, so a server that
fails to start with its port taken is started again with another one.
"""

import json
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Say whether we could listen on the port now, as a server with SO_REUSEADDR would."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """Let the system choose a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def choose(record: Path, *names: str) -> dict[str, int]:
    """Return a port for each name: as recorded if all are free, else new; the record is kept."""
    try:
        known = {name: int(json.loads(record.read_text("utf-8"))[name]) for name in names}
    except (OSError, ValueError, KeyError, TypeError):
        known = {}
    if known and all(map(is_free, known.values())):
        return known
    chosen: dict[str, int] = {}
    while len(set(chosen.values())) < len(names):
        chosen = {name: free_port() for name in names}
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(chosen), encoding="utf-8")
    return chosen
