"""How clients show Kafka who they are: one choice for a process, made before its first client.

SCRAM-SHA-512 where a user is given, TLS where it is wanted; without either, plaintext, which is for
loopback and for networks that are trusted.
"""

import ssl
from pathlib import Path
from typing import Any, Final

from danbao.kernel.errors import SetupError
from danbao.kernel.settings import Settings

MECHANISM: Final = "SCRAM-SHA-512"


_chosen: dict[str, Any] = {}


def use_security(settings: Settings) -> None:
    """Let every client that is built from now on say who it is, and speak TLS if that is wanted.

    Raises:
        SetupError: a user without a password, or a file of certificates that cannot be read.
    """
    options: dict[str, Any] = {}
    if settings.kafka_username:
        if not settings.kafka_password:
            raise SetupError(
                "DANBAO_KAFKA_USERNAME is set without a password",
                todo="Set DANBAO_KAFKA_PASSWORD too, from your store of secrets.",
            )
        options |= {
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    if settings.kafka_tls:
        options["ssl_context"] = _tls(settings.kafka_ca_file)
    if options:
        options["security_protocol"] = _protocol(settings)
    _chosen.clear()
    _chosen.update(options)


def client_options() -> dict[str, Any]:
    """What a client needs besides its own settings."""
    return _chosen


def _protocol(settings: Settings) -> str:
    transport = "SSL" if settings.kafka_tls else "PLAINTEXT"
    return f"SASL_{transport}" if settings.kafka_username else transport


def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(Path(ca_file)) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(
            f"DANBAO_KAFKA_CA_FILE={ca_file}: {error}",
            todo="Name a file of PEM certificates, or leave it empty for those of this machine.",
        ) from error
