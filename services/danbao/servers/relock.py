"""Make `kafka.lock.json` anew: `python -m danbao.servers.relock [KAFKA_VERSION]`.

Needed only to move to another Kafka version. Kafka's own dependencies are resolved first and
alone, because log4j's dependency management names an older kafka-clients and would win.
Compare the result with `git diff` and run the integration tests before committing it.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from danbao.servers.jars import DOWNLOAD_TIMEOUT_S, LOCK, load_lock

LOGGING = ("log4j-slf4j-impl", "log4j-core", "log4j-api")
"""Kafka's distribution carries them; its POM leaves the choice of a logger to us."""


def resolve_coordinates(kafka: str, scratch: Path) -> dict[str, Path]:
    """Walk Kafka's POM and return each needed coordinate with its downloaded jar."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - slow to import

    context = MavenContext(repo_cache=scratch, timeout=DOWNLOAD_TIMEOUT_S)
    wanted = context.create_dependency(f"org.apache.kafka:kafka_2.13:{kafka}")
    inputs, transitive = context.resolver.resolve([wanted])
    found = {
        f"{each.groupId}:{each.artifactId}:{each.version}": Path(each.artifact.resolve())
        for each in [*inputs, *transitive]
    }
    log4j = next(name.rsplit(":", 1)[1] for name in found if ":log4j-api:" in name)
    for artifact in LOGGING:
        name = f"org.apache.logging.log4j:{artifact}:{log4j}"
        found[name] = Path(context.create_dependency(name).artifact.resolve())
    return dict(sorted(found.items()))


def main(arguments: list[str]) -> None:
    """Write the lock for the given version, or for the one that is locked now."""
    kafka = arguments[0] if arguments else load_lock().kafka
    with tempfile.TemporaryDirectory() as scratch:
        jars = [
            {"coordinate": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for name, path in resolve_coordinates(kafka, Path(scratch)).items()
        ]
    text = json.dumps({"kafka": kafka, "jars": jars}, indent=2)
    LOCK.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
