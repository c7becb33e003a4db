"""What the probes say, and why."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from danbao.kernel.pulse import Pulse
from danbao.watch.server import HealthServer, routes
from danbao.watch.state import State


@dataclass
class Idle:
    """A process that does what the test says."""

    stopping: bool = False
    pulse: Pulse = field(default_factory=Pulse)
    missing: list[str] = field(default_factory=list)

    def unready(self) -> list[str]:
        return self.missing

    def marks(self) -> dict[str, object]:
        return {}


@dataclass
class World:
    """A process, its state, and the seconds on the watcher's clock."""

    now: float = 0.0
    process: Idle = field(default_factory=Idle)

    def __post_init__(self) -> None:
        self.state = State(self.process, lambda: self.now, turn_within_s=60, answer_within_s=10)


def test_a_loop_that_comes_round_is_alive() -> None:
    """However little it has to do."""
    world = World()
    for _ in range(5):
        world.now += 50
        world.process.pulse.turn()
        assert world.state.live().is_good


def test_a_loop_that_does_not_come_round_is_dead_and_says_for_how_long() -> None:
    """The reason is what an operator reads first."""
    world = World(now=0.0)
    world.state.note()
    world.now = 61

    assert world.state.live().reasons == ["the main loop has not come round for 61 s"]
    assert not world.state.ready().is_good


def test_a_process_is_not_ready_before_postgres_answered_nor_when_it_fell_silent() -> None:
    """Work sent to it would wait."""
    world = World()
    assert world.state.ready().reasons == ["Postgres has not answered yet"]
    world.process.pulse.answered()
    assert world.state.ready().is_good
    world.now = 11
    world.process.pulse.turn()

    assert world.state.ready().reasons == ["Postgres has not answered for 11 s"]


def test_a_process_that_is_about_to_stop_or_lacks_something_is_not_ready() -> None:
    """Its own reasons are passed on."""
    world = World()
    world.process.pulse.answered()
    world.process.missing = ["3 assigned partitions are not claimed yet"]
    world.process.stopping = True

    assert world.state.ready().reasons == [
        "3 assigned partitions are not claimed yet",
        "stopping",
    ]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, str]]:
    """A process whose probes are answered."""
    world = World()
    monkeypatch.setattr(f"{HealthServer.__module__}.LOOK_EVERY_S", 0.02)
    server = HealthServer(
        "127.0.0.1",
        0,
        routes(
            "escrow", world.state, lambda is_ready: (200, "text/plain", str(is_ready()).encode())
        ),
    )
    server.serve()
    yield world, server.address
    server.shutdown()
    server.server_close()


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_probes_are_answered_with_status_and_reasons(served: tuple[World, str]) -> None:
    """200 is yes and 503 is no, as every orchestrator expects."""
    world, address = served

    assert get(f"{address}/livez") == (
        200,
        b'{"process": "escrow", "ok": true, "reasons": []}\n',
    )
    status, body = get(f"{address}/readyz")
    assert (status, json.loads(body)["reasons"]) == (503, ["Postgres has not answered yet"])
    world.process.pulse.answered()
    assert get(f"{address}/readyz?verbose")[0] == 200
    assert get(f"{address}/")[0] == 404
