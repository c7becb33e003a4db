"""What the rendered configuration of Kafka promises."""

from pathlib import Path

from danbao.servers import kafka_config
from danbao.servers.kafka_files import KafkaFiles


def properties() -> dict[str, str]:
    """Render and read back."""
    text = kafka_config.server_properties(Path("/home/data"), 1001, 1002)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_all_listeners_are_on_loopback() -> None:
    """Nobody on the network reaches a development broker."""
    found = properties()

    assert found["listeners"] == "BROKER://127.0.0.1:1001,CONTROLLER://127.0.0.1:1002"
    assert found["advertised.listeners"] == "BROKER://127.0.0.1:1001"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:1002"


def test_nothing_is_created_or_deleted_by_itself() -> None:
    """A mistyped topic fails, and no record ends by time or size."""
    found = properties()

    assert found["auto.create.topics.enable"] == "false"
    assert (found["log.retention.ms"], found["log.retention.bytes"]) == ("-1", "-1")


def test_the_largest_event_fits_into_a_message() -> None:
    """A batch of the relay is larger than an event, and the broker must take it."""
    assert int(properties()["message.max.bytes"]) >= 1_100_000


def test_the_cluster_id_is_read_from_what_the_format_tool_wrote(tmp_path: Path) -> None:
    """The probe compares it, so that another broker on our port is not taken for ours."""
    files = KafkaFiles(tmp_path)
    assert not files.is_formatted()

    files.data.mkdir()
    (files.data / "meta.properties").write_text("#\n#Mon\nnode.id=1\ncluster.id=abc-_1\n")

    assert files.is_formatted()
    assert files.cluster_id() == "abc-_1"
