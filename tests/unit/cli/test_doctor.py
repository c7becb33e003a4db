"""What the doctor finds at the engine's servers."""

from datetime import UTC, datetime, timedelta

import pytest

from danbao.kernel.findings import Status
from danbao.kernel.kafka.checks import Cluster, Topic, find_making, find_replicas, find_topics
from danbao.kernel.migrate import migration_files
from danbao.kernel.postgres.checks import (
    find_clock,
    find_durability,
    find_migrations,
    find_partitions,
    find_version,
)
from danbao.kernel.topics import declared_topics

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SAFE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "data_checksums": "on",
}
TOPICS = {name: Topic(8, settings) for name, settings in declared_topics().items()}
RECORDED = dict.fromkeys(TOPICS, 8)
NAMES = [name for name, _ in migration_files()]


def test_a_postgres_that_may_lose_commits_is_not_fit() -> None:
    """With money at stake, a fast unsafe setting is a fault, not a preference."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        faults = [f for f in find_durability(SAFE | {name: "off"}) if f.status is Status.MISSING]

        assert [fault.name for fault in faults] == [f"postgres {name}"]
        assert faults[0].todo


def test_missing_checksums_are_worth_a_warning() -> None:
    """They find damage, they do not prevent it."""
    assert all(finding.status is Status.OK for finding in find_durability(SAFE))
    assert find_durability(SAFE | {"data_checksums": "off"})[-1].status is Status.WARN


def test_migrations_are_compared_both_ways() -> None:
    """Missing ones stop the engine; unknown ones mean that a newer version was here."""
    assert find_migrations(NAMES).status is Status.OK
    assert find_migrations(NAMES[:-1]).status is Status.MISSING
    assert NAMES[-1] in find_migrations(NAMES[:-1]).detail
    assert find_migrations([*NAMES, "9999_post_later.sql"]).code == "schema_newer"


def test_topics_as_declared_are_fine() -> None:
    """Made and unchanged."""
    assert find_topics(TOPICS, RECORDED).status is Status.OK


def test_a_topic_that_was_made_and_is_gone_is_not_made_again_lightly() -> None:
    """A lost topic means lost records: the advice must not be to start and make it anew."""
    rest = {name: topic for name, topic in TOPICS.items() if name != "danbao.escrow.events"}

    assert "do not start" in find_topics(rest, RECORDED).todo
    assert "`danbao up`" in find_topics(rest, {}).todo


def test_a_changed_topic_is_named_with_what_changed() -> None:
    """Another partition count moves keys; another retention loses events."""
    name = "danbao.escrow.events"
    wider = TOPICS | {name: Topic(9, TOPICS[name].settings)}
    shorter = TOPICS | {name: Topic(8, {**TOPICS[name].settings, "retention.ms": "1"})}

    assert f"{name} has 9 partitions, not 8" in find_topics(wider, RECORDED).detail
    assert "retention.ms is 1, not -1" in find_topics(shorter, RECORDED).detail


def test_more_retention_than_declared_is_fine_and_less_is_not() -> None:
    """An operator may keep commands for longer than a week."""
    name = "danbao.escrow.commands"
    for value, status in (("-1", Status.OK), ("1209600000", Status.OK), ("1", Status.MISSING)):
        settings = {**TOPICS[name].settings, "retention.ms": value}
        assert find_topics(TOPICS | {name: Topic(8, settings)}, RECORDED).status is status


def test_few_replicas_matter_where_there_are_brokers_for_more() -> None:
    """One broker cannot do better; three can."""
    assert find_replicas(Cluster(1, TOPICS, makes_topics=False)).status is Status.OK
    assert find_replicas(Cluster(3, TOPICS, makes_topics=False)).code == "topic_replicas_few"
    safe = {
        name: Topic(8, {**topic.settings, "min.insync.replicas": "2"}, replicas=3)
        for name, topic in TOPICS.items()
    }
    assert find_replicas(Cluster(3, safe, makes_topics=False)).status is Status.OK


def test_topics_that_come_to_be_by_being_asked_for_are_worth_a_warning() -> None:
    """A mistyped name should fail."""
    assert find_making(makes_topics=True).code == "topics_made_by_asking"
    assert find_making(makes_topics=False).status is Status.OK


def test_an_old_server_is_refused_or_warned_of() -> None:
    """By what it lacks."""
    assert find_version("14.9", 140_009).code == "postgres_too_old"
    assert find_version("15.3", 150_003).code == "postgres_old"
    assert find_version("18.1", 180_001).status is Status.OK


def test_clocks_more_than_five_seconds_apart_are_refused() -> None:
    """Ahead or behind: deadlines would wait."""
    for seconds, status in (
        (5, Status.OK),
        (-5, Status.OK),
        (6, Status.MISSING),
        (-6, Status.MISSING),
    ):
        assert find_clock(NOON, NOON + timedelta(seconds=seconds)).status is status


def test_a_partition_count_is_that_of_the_topics() -> None:
    """Before the first start any count will do."""
    assert find_partitions({}, 4) == []
    assert find_partitions({"a": 8, "b": 8}, 8) == []
    [finding] = find_partitions({"a": 8, "b": 8}, 4)
    assert "DANBAO_PARTITIONS=8" in finding.todo


def test_tables_prepared_for_a_newer_version_do_not_stop_an_older_process() -> None:
    """In a rolling change it may be started anew at any moment."""
    found = find_migrations([*NAMES, "9999_pre_later.sql"])

    assert found.status is Status.WARN
    assert "9999_pre_later.sql" in found.detail


def test_what_waits_for_the_last_older_process_does_not_stop_a_newer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`post` migrations are applied when all processes are new, so these start before."""
    files = [(name, "") for name in [*NAMES, "9999_post_later.sql"]]
    monkeypatch.setattr("danbao.kernel.postgres.checks.migration_files", lambda: files)

    assert find_migrations(NAMES).status is Status.WARN
    assert find_migrations(NAMES[:-1]).status is Status.MISSING
