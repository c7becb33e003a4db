"""A measurement as people see it."""

import re
from io import StringIO
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from rich.console import Console
from typer.testing import CliRunner

from danbao.bench.figures import loop_figures, over_rounds
from danbao.bench.histogram import Histogram
from danbao.bench.loops import Loop, Sample
from danbao.bench.processor import Usage
from danbao.bench.sides import compare
from danbao.bench.standing import Disk, Standing
from danbao.cli import bench
from danbao.cli.bench_page import render_bench
from danbao.cli.bench_tables import tables
from danbao.cli.exits import UNAVAILABLE
from danbao.cli.main import make_app
from danbao.publisher import Limits

MACHINE = {
    "cores": 2, "processor": "a <fast> one", "memory_bytes": 8_000_000_000, "system": "Linux 6",
    "python": "3.11.7", "commit": "abc1234",
}  # fmt: skip


HEAD = ("seed", "at", "machine", "partitions")


def a_loop() -> Loop:
    usage = Usage({"escrow": 0.4, "postgres": 0.3}, {"escrow": 0.2}, {"escrow": 70_000_000})
    samples = [
        Sample(float(at), Standing(800 * at, 790 * at, 780 * at, 10**6 * at), 20, usage)
        for at in range(1, 5)
    ]
    return Loop(
        trades=400,
        seconds=4.0,
        latency={"create": Histogram([4.0, 5.0, 90.0]), "whole trade": Histogram([40.0])},
        start_late_s_max=0.002,
        usage=usage,
        wal_bytes=4_000_000,
        disk=Disk({"event_log": 2_000_000, "database": 4_000_000}, 3_000_000),
        samples=samples,
        limits=Limits(rate=100.0),
        slices=[Histogram([4.0, 5.0]), Histogram([90.0])],
    )


def figures(loop: Loop, **more: object) -> dict[str, Any]:
    rounds = over_rounds([loop_figures(loop)], "trades_per_s")
    head = {"stage": "open", "seed": 7, "at": "2026-11-25 12:00:00 UTC", "machine": MACHINE}
    head |= {"partitions": 8}
    return head | rounds | more


def printed(found: dict[str, Any]) -> str:
    file = StringIO()
    console = Console(width=200, file=file)
    for table in tables(found):
        console.print(table)
    return file.getvalue()


def test_a_page_has_everything_in_itself() -> None:
    """It is sent by mail, and opened without a network."""
    loop = a_loop()

    page = render_bench(figures(loop), {"open": [loop]})

    assert page.count("<svg") == 14
    assert "Latency of all commands, ms" in page
    assert "a &lt;fast&gt; one" in page
    assert "abc1234" in page
    assert "src=" not in page


@pytest.mark.slow
def test_several_stages_stand_on_one_page_and_one_below_the_other() -> None:
    """One command, one page."""
    loop = a_loop()
    stages = {name: figures(loop) | {"stage": name} for name in ("closed", "open")}
    found = {"stage": "all", "stages": stages, **{k: figures(loop)[k] for k in HEAD}}

    page = render_bench(found, {"closed": [loop], "open": [loop]})

    assert page.count("<svg") == 28
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "Closed loop" in printed(found)
    assert "Open loop" in printed(found)


def test_a_ratio_that_is_refused_says_why() -> None:
    """Nobody copies a number that was never there."""
    ours, theirs = [{"trades_per_s": 100.0}, {"trades_per_s": 150.0}], [{"trades_per_s": 100.0}] * 2
    ratio = {"side": "this", "base": "old1234", **compare(ours, theirs, "trades_per_s")}

    text = printed(figures(a_loop(), ratios=[ratio]))

    assert "refused" in text
    assert "old1234" in text


def test_an_unknown_stage_is_wrong_use() -> None:
    answer = CliRunner().invoke(make_app("bench"), ["bench", "--stage", "flight"])

    assert answer.exit_code == 2
    assert "all, drain, closed, open" in answer.stderr


def test_help_shows_an_example() -> None:
    answer = CliRunner().invoke(make_app("bench"), ["bench", "--help"])

    assert "Example: danbao bench" in answer.stdout


def test_comparisons_exclude_each_other() -> None:
    """A ratio of two things that changed at once would say nothing."""
    answer = CliRunner().invoke(make_app("bench"), ["bench", "--hot", "--against", "HEAD"])

    assert answer.exit_code == 2
    assert "exclude each other" in answer.stderr


def test_a_kafka_that_goes_away_ends_it_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*_: object) -> None:
        raise KafkaError("no broker")

    monkeypatch.setattr(bench, "measure", lost)
    answer = CliRunner().invoke(make_app("bench"), ["bench", "--json"])

    assert answer.exit_code == UNAVAILABLE
    assert "Kafka does not answer" in answer.stderr
