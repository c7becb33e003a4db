"""How a process shows Kafka who it is, by settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from danbao.kernel.errors import SetupError
from danbao.kernel.kafka.acls import declared_acls, shell_lines
from danbao.kernel.kafka.security import client_options, use_security
from danbao.kernel.settings import Settings


@pytest.fixture(autouse=True)
def _nobody() -> Iterator[None]:
    """The choice is the process's: leave it as it was."""
    yield
    use_security(Settings())


def test_without_settings_it_is_plaintext() -> None:
    """The local servers of a laptop ask nobody."""
    use_security(Settings())

    assert client_options() == {}


@pytest.mark.parametrize(
    ("username", "tls", "protocol"),
    [("u", False, "SASL_PLAINTEXT"), ("u", True, "SASL_SSL"), ("", True, "SSL")],
)
def test_user_and_tls_choose_the_protocol(username: str, tls: bool, protocol: str) -> None:
    """Each of the four ways that a broker may listen."""
    use_security(Settings(kafka_username=username, kafka_password="p", kafka_tls=tls))

    assert client_options()["security_protocol"] == protocol
    assert ("ssl_context" in client_options()) == tls
    assert client_options().get("sasl_mechanism") == ("SCRAM-SHA-512" if username else None)


def test_a_user_without_a_password_is_refused() -> None:
    """Better than a broker's word that something is wrong."""
    with pytest.raises(SetupError, match="without a password"):
        use_security(Settings(kafka_username="danbao-escrow"))


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """The file, not a traceback of OpenSSL."""
    with pytest.raises(SetupError, match=r"missing\.pem"):
        use_security(Settings(kafka_tls=True, kafka_ca_file=str(tmp_path / "missing.pem")))


def test_a_password_is_not_shown_with_the_settings() -> None:
    """Settings end up in tracebacks."""
    assert "secret" not in repr(Settings(kafka_username="u", kafka_password="secret"))


def test_only_the_relay_writes_events() -> None:
    """Whoever else could would make history."""
    writers = {a.user for a in declared_acls() if "Write" in a.operations and ".events" in a.name}

    assert writers == {"danbao-relay"}


def test_rights_are_printed_for_the_tool_of_kafka() -> None:
    """An administrator may want to see, and to run, each of them."""
    line = "--add --allow-principal User:danbao-relay --operation Write --operation Describe"

    assert any(line in each for each in shell_lines(declared_acls(), "kafka:9092"))
