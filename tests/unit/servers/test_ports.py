"""Ports stay the same from start to start while nobody else takes them."""

import json
import socket
from pathlib import Path

from danbao.servers import ports


def test_chosen_ports_are_recorded_and_used_again(tmp_path: Path) -> None:
    """Clients keep an address over a restart."""
    record = tmp_path / "ports.json"
    first = ports.choose(record, "broker", "controller")

    assert ports.choose(record, "broker", "controller") == first
    assert first["broker"] != first["controller"]


def test_a_taken_port_is_replaced(tmp_path: Path) -> None:
    """Another program may have the recorded port by now."""
    record = tmp_path / "ports.json"
    with socket.create_server((ports.LOOPBACK, 0)) as other:
        taken = other.getsockname()[1]
        record.write_text(json.dumps({"postgres": taken}), encoding="utf-8")

        chosen = ports.choose(record, "postgres")["postgres"]

    assert chosen != taken
    assert json.loads(record.read_text()) == {"postgres": chosen}


def test_an_unreadable_record_is_replaced(tmp_path: Path) -> None:
    """A crash while writing must not stop the next start."""
    record = tmp_path / "ports.json"
    record.write_text("{", encoding="utf-8")

    assert ports.choose(record, "postgres")["postgres"] > 0
