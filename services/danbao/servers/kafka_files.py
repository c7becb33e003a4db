"""The files of the local Kafka below `<home>/kafka`."""

import re
from dataclasses import dataclass
from pathlib import Path

from danbao.servers import kafka_config, ports


@dataclass(frozen=True, slots=True)
class KafkaFiles:
    """Names every file once."""

    folder: Path

    @property
    def data(self) -> Path:
        """Kafka's log folder."""
        return self.folder / "data"

    @property
    def properties(self) -> Path:
        """The configuration; it also marks our process in a process list."""
        return self.folder / "server.properties"

    @property
    def log4j(self) -> Path:
        """The logging configuration."""
        return self.folder / "log4j2.properties"

    @property
    def log(self) -> Path:
        """What the server logs."""
        return self.folder / "server.log"

    @property
    def output(self) -> Path:
        """What Java and the format tool print."""
        return self.folder / "output.log"

    @property
    def pid(self) -> Path:
        """The process id of the last start."""
        return self.folder / "kafka.pid"

    @property
    def fresh_archive(self) -> Path:
        """See `ClassArchive.fresh`."""
        return self.folder / "classes.jsa"

    @property
    def _meta(self) -> Path:
        return self.data / "meta.properties"

    def is_formatted(self) -> bool:
        """Say whether the format tool has finished; it writes this file last."""
        return self._meta.exists()

    def cluster_id(self) -> str:
        """Return the id that the format tool was given."""
        match = re.search(r"^cluster\.id=(\S+)$", self._meta.read_text("utf-8"), re.MULTILINE)
        return match[1] if match else ""

    def configure(self) -> dict[str, int]:
        """Choose the ports, write the configuration and return the ports."""
        chosen = ports.choose(self.folder / "ports.json", "broker", "controller")
        text = kafka_config.server_properties(self.data, chosen["broker"], chosen["controller"])
        self.properties.write_text(text, encoding="utf-8")
        self.log4j.write_text(kafka_config.log4j_properties(self.log), encoding="utf-8")
        return chosen
