"""What an operator sees of a running engine: metrics, lag, the screen."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Iterator, Mapping
from uuid import NAMESPACE_OID, uuid5

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.conftest import EngineFactory
from tests.integration.running_engine import RunningEngine, environment

from danbao.app import SERVICES
from danbao.bench.whole_trades import WholeTrades
from danbao.metrics.catalogue import METRICS
from danbao.publisher import parse_lines, publish
from danbao.testing.market import encode_lines

pytestmark = pytest.mark.servers
TRADES = 20
ANSWERED_WITHIN_S = 10

Labels = frozenset[tuple[str, str]]
NONE: Labels = frozenset()
Values = Mapping[tuple[str, Labels], float]


@pytest.fixture(scope="module")
def engine(engine_factory: EngineFactory) -> Iterator[RunningEngine]:
    """An engine that some whole trades went through."""
    with engine_factory() as running:
        yield running


@pytest.fixture(scope="module")
def traded(engine: RunningEngine) -> RunningEngine:
    """The same, with nothing in flight."""
    plan = WholeTrades(TRADES, 5)
    lines = [
        parse_lines(encode_lines(plan.accounts()), "accounts"),
        parse_lines(encode_lines(plan.trades()), "trades"),
    ]

    async def trade() -> None:
        await publish(engine.kafka_bootstrap, lines)
        await engine.wait_idle()

    asyncio.run(trade())
    return engine


def scrape(engine: RunningEngine, name: str) -> Values:
    """Every sample of a process, those too that have to be asked for."""
    deadline = time.monotonic() + ANSWERED_WITHIN_S
    while not (values := scrape_once(engine, name))["danbao_figures_ready", NONE]:
        assert time.monotonic() < deadline, values
    return values


def scrape_once(engine: RunningEngine, name: str) -> Values:
    """Every sample of a process, by its name and its further labels."""
    with urllib.request.urlopen(engine.record.health[name] + "/metrics", timeout=5) as answer:
        text = answer.read().decode()
    own = {"process": name.rpartition("-")[0], "worker": "0"}
    values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert own.items() <= sample.labels.items()
            rest = frozenset(sample.labels.items() - own.items())
            values[sample.name, rest] = sample.value
    return values


def names_of(values: Values) -> set[str]:
    return {name for name, _ in values}


async def test_each_process_tells_what_the_catalogue_says(traded: RunningEngine) -> None:
    """A dashboard that names a metric finds it, on real servers."""
    found = {name for process in traded.record.health for name in names_of(scrape(traded, process))}

    expected = {
        name
        for metric in METRICS
        for name in (
            [f"{metric.name}_{part}" for part in ("bucket", "count", "sum")]
            if metric.kind == "histogram"
            else [metric.name]
        )
    }
    needs_a_closing = {"danbao_reserve_gap_minor", "danbao_reserve_cover_minor"}
    nothing_refused = {"danbao_refusals_total"}
    assert expected - found <= needs_a_closing | nothing_refused
    assert found <= expected


async def test_throughput_adds_up_to_the_log(traded: RunningEngine) -> None:
    """Counters of all workers together are what the log has, so rates can be trusted."""
    workers = [scrape(traded, f"{service}-0") for service in SERVICES]
    relay = scrape(traded, "relay-0")

    events = sum(values["danbao_events_total", NONE] for values in workers)
    assert events == await traded.position() == relay["danbao_log_events", NONE]
    assert relay["danbao_relayed_events_total", NONE] == events


async def test_nothing_in_flight_is_no_lag_and_no_delay(traded: RunningEngine) -> None:
    """At rest every gauge of waiting is zero; what is not zero would wake somebody."""
    waiting = {
        **scrape(traded, "scheduler-0"),
        **scrape(traded, "relay-0"),
        **scrape(traded, "projector-0"),
    }

    for name in (
        "danbao_lag_records",
        "danbao_relay_lag_events",
        "danbao_relay_delay_seconds",
        "danbao_projection_lag_events",
        "danbao_projection_delay_seconds",
        "danbao_overdue_timers",
        "danbao_waiting_letters",
    ):
        values = {labels: value for (found, labels), value in waiting.items() if found == name}
        assert values, name
        assert set(values.values()) == {0}, (name, values)


async def test_lag_counts_what_nobody_reads(traded: RunningEngine) -> None:
    """A service that stands still shows as records and as seconds; at rest nothing does."""
    before = json.loads(traded.cli("lag", "--json").stdout)
    assert [each for each in before["lag"] if each["records"] or each["seconds"]] == []

    pid = traded.processes["risk-0"]
    os.kill(pid, signal.SIGSTOP)
    try:
        line = {"id": str(uuid5(NAMESPACE_OID, "lag")), "type": "risk.add_to_list.v1"}
        data = {"list": "block", "kind": "ip", "value": "10.0.0.1", "reason": "test"}
        lines = parse_lines(
            encode_lines([line | {"source": "test", "partitionkey": "10.0.0.1", "data": data}]),
            "list",
        )
        task = asyncio.create_task(publish(traded.kafka_bootstrap, [lines]))
        lag = await waited_lag(traded, "danbao.risk.commands")
    finally:
        os.kill(pid, signal.SIGCONT)
    await task

    assert lag["records"] == 1
    assert lag["seconds"] > 0
    await traded.wait_idle()


async def waited_lag(engine: RunningEngine, topic: str) -> Mapping[str, float]:
    """The lag of the one service that reads a topic, once there is some."""
    while True:
        done = await asyncio.to_thread(engine.cli, "lag", "--json")
        [lag] = [each for each in json.loads(done.stdout)["lag"] if each["topic"] == topic]
        if lag["records"]:
            return lag


def test_top_shows_every_process(traded: RunningEngine) -> None:
    """As text for people and as JSON for programs."""
    look = json.loads(traded.cli("top", "--json").stdout)
    text = traded.cli("top", "--once").stdout

    names = set(traded.record.health)
    assert {process["name"] for process in look["processes"]} == names
    assert all(process["is_ready"] for process in look["processes"])
    assert look["engine"]["relay"] == {"count": 0, "seconds": 0.0}
    assert all(f"{name} " in text for name in names)


def test_top_is_live_in_a_narrow_terminal_and_ends_with_ctrl_c(traded: RunningEngine) -> None:
    """A real terminal of 40 columns; nothing is left on it."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 40, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "danbao", "top", "--every", "0.2"],
        env=environment(traded.home, {"TERM": "xterm-256color"}),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    deadline = time.monotonic() + 30
    while shown.count(b"scheduler-0") < 2 and time.monotonic() < deadline:
        shown += os.read(main, 65_536)
    process.send_signal(signal.SIGINT)
    while chunk := _rest(main):
        shown += chunk
    os.close(main)

    assert process.wait(10) == 0
    assert shown.count(b"scheduler-0") >= 2
    assert b"Traceback" not in shown
    assert shown.rstrip().endswith((b"\x1b[?1049l", b"\x1b[?25h"))


def _rest(main: int) -> bytes:
    """What is still to be read of a terminal; nothing once its program is gone."""
    try:
        return os.read(main, 65_536)
    except OSError:
        return b""
