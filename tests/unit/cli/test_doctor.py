"""What the doctor finds at the engine's servers."""

from danbao.cli.doctor_kafka import Topic, find_topics
from danbao.cli.doctor_postgres import find_durability, find_migrations
from danbao.kernel.migrate import migration_files
from danbao.kernel.topics import declared_topics
from danbao.servers.doctor import Status

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
    assert find_migrations([*NAMES, "9999_post_later.sql"]).status is Status.WARN


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
