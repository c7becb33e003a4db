"""What a scrape gives, on an engine in memory."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from danbao.kernel.statistics import Histogram
from danbao.metrics.catalogue import BY_NAME, METRICS, Kind
from danbao.metrics.page import Page
from danbao.metrics.readings import read
from danbao.testing.engine import Engine

UNITS = {
    *("records", "commands", "events", "letters", "batches", "retries", "refusals", "partitions"),
    *("timers", "seconds", "bytes", "minor"),
}
FLAGS = {"danbao_build_info", "danbao_process_ready", "danbao_figures_ready"}
FLAGS_TOO = {"danbao_relay_leading"}


def values_of(engine: Engine, service: str) -> dict[str, float]:
    """Every sample of a worker's page, by name, with the code where there is one."""
    [worker] = engine.workers[service]
    text = Page(service, "0", lambda: (read(worker, lambda: True), [])).text().decode()
    return {
        sample.name + "".join(sample.labels.get(name, "") for name in ("code", "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
async def engine() -> Engine:
    """One account, opened twice under two ids, and once more under the first."""
    engine = Engine()
    data = {"account_id": "B-1", "kind": "personal", "tier": "II", "currency": "CNY"}
    first = await engine.send("accounts.open_account.v1", data)
    await engine.send("accounts.open_account.v1", data)
    await engine.settle()
    await engine.send("accounts.open_account.v1", data, id=first)
    await engine.send("accounts.open_account.v1", b"not json", key="B-1")
    await engine.settle()
    return engine


async def test_a_worker_counts_what_it_did(engine: Engine) -> None:
    """Throughput, refusals by code, duplicates and dead letters are the operator's first look."""
    values = values_of(engine, "accounts")

    assert values["danbao_commands_total"] == 2
    assert values["danbao_events_total"] == 2
    assert values["danbao_refusals_totalaccount_exists"] == 1
    assert values["danbao_duplicate_records_total"] == 1
    assert values["danbao_dead_letters_total"] == 1
    assert values["danbao_records_total"] == 4
    assert values["danbao_claimed_partitions"] == 2 * 8


async def test_batches_fall_into_buckets(engine: Engine) -> None:
    """How large batches are says how busy a worker is; each is counted once."""
    values = values_of(engine, "accounts")

    assert values["danbao_batch_records_count"] == values["danbao_batches_total"]
    assert values["danbao_batch_records_sum"] == values["danbao_records_total"]
    assert values["danbao_batch_records_bucket+Inf"] == values["danbao_batches_total"]
    assert values["danbao_append_seconds_count"] >= 1


async def test_a_worker_has_every_metric_of_workers(engine: Engine) -> None:
    """What the catalogue promises is there before anything happened, or dashboards have holes."""
    found = {re.sub(r"_(bucket|count|sum)\b.*", "", name) for name in values_of(engine, "risk")}

    expected = {metric.name for metric in METRICS if metric.owner == "workers"}
    assert expected - {name.split("+")[0] for name in found} == {"danbao_refusals_total"}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_metric_is_named_by_its_unit(name: str) -> None:
    """`danbao_<noun>_<unit>[_total]`: who reads a number knows what it counts."""
    metric = BY_NAME[name]

    assert re.fullmatch(r"danbao(_[a-z]+)+", name)
    assert name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert name.removesuffix("_total").rsplit("_", 1)[1] in UNITS or name in FLAGS | FLAGS_TOO


def test_no_two_metrics_share_a_name() -> None:
    """The later one would hide the earlier."""
    assert len(BY_NAME) == len(METRICS)


def test_a_histogram_counts_each_value_once() -> None:
    """At its bound a value still belongs below it."""
    histogram = Histogram((1, 10))
    for value in (0.5, 1, 1.5, 10, 11):
        histogram.observe(value)

    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 24
