"""The jars of Kafka: which ones (a lock with checksums), where they are cached, how they come.

`kafka.lock.json` lists each jar as a Maven coordinate with its sha256; it names no host. The
cache is one folder per lock, shared by all checkouts of a user, and appears complete or not at
all: a folder with the right name holds verified jars, so a later start reads neither network
nor checksums and never imports jgo.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from danbao.servers.errors import ServerCode, ServerError

LOCK = Path(__file__).with_name("kafka.lock.json")
DOWNLOADS_MAX = 6
DOWNLOAD_TIMEOUT_S = 60
DOWNLOAD_ATTEMPTS = 3

Report = Callable[[str], None]
Fetch = Callable[[str, Path], Path]
"""(coordinate, scratch folder) -> the downloaded jar."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked jar."""

    coordinate: str
    """`group:artifact:version`."""
    sha256: str

    @property
    def filename(self) -> str:
        """The name in the cache; two groups never lock the same artifact and version."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


@dataclass(frozen=True, slots=True)
class Lock:
    """All jars of one Kafka version, in a fixed order."""

    kafka: str
    jars: tuple[Jar, ...]

    @property
    def folder_name(self) -> str:
        """The version, and a digest of the content so that a changed lock gets its own folder."""
        text = "\n".join(f"{jar.coordinate} {jar.sha256}" for jar in self.jars)
        return f"kafka-{self.kafka}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def paths(self, folder: Path) -> list[Path]:
        """The jars in a folder, in the order of the lock."""
        return [folder / jar.filename for jar in self.jars]


def load_lock(path: Path = LOCK) -> Lock:
    """Read the lock file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    jars = tuple(Jar(entry["coordinate"], entry["sha256"]) for entry in content["jars"])
    return Lock(content["kafka"], jars)


def cache_root(environment: Mapping[str, str]) -> Path:
    """Return the user's cache folder for danbao."""
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "danbao"


def cached_folder(lock: Lock, root: Path) -> Path | None:
    """Return the folder with the verified jars, if it is there."""
    folder = root / lock.folder_name
    return folder if folder.is_dir() else None


def ensure_jars(report: Report, lock: Lock, root: Path, fetch: Fetch | None = None) -> Path:
    """Return the folder with the verified jars and fill it first if need be; blocks.

    Raises:
        ServerError: `network_needed` or `jar_checksum_mismatch`.
    """
    if folder := cached_folder(lock, root):
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root / f"{lock.folder_name}.lock"):
        if folder := cached_folder(lock, root):  # Another process filled it while we waited.
            return folder
        scratch = Path(tempfile.mkdtemp(prefix=".filling-", dir=root))
        try:
            _fill(report, lock, scratch, fetch or download)
            scratch.chmod(0o755)
            return scratch.rename(root / lock.folder_name)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def verify(jar: Jar, path: Path) -> None:
    """Compare a file with the lock.

    Raises:
        ServerError: `jar_checksum_mismatch`.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise ServerError(
            ServerCode.JAR_CHECKSUM_MISMATCH,
            f"{jar.coordinate}: sha256 is {found}, the lock says {jar.sha256}.",
            todo="Nothing was kept. Try again; if it stays, ask who serves you another file.",
        )


def download(coordinate: str, scratch: Path) -> Path:
    """Download one jar with jgo, which knows the machine's package settings; no POM is read."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - slow to import and needed once

    context = MavenContext(repo_cache=scratch, timeout=DOWNLOAD_TIMEOUT_S)
    artifact = context.create_dependency(coordinate).artifact
    for attempt in range(DOWNLOAD_ATTEMPTS):
        try:
            return Path(artifact.resolve())
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors.
            if artifact.cached_path is not None:
                artifact.cached_path.unlink(missing_ok=True)
            if attempt == DOWNLOAD_ATTEMPTS - 1:
                raise ServerError(
                    ServerCode.NETWORK_NEEDED,
                    f"{coordinate} cannot be downloaded: {error}",
                    todo="The first start of Kafka needs a Maven repository; later ones do not.",
                ) from error
    raise AssertionError


def _fill(report: Report, lock: Lock, scratch: Path, fetch: Fetch) -> None:
    """Download all jars side by side, verify each, and leave only the jars in the folder."""
    report(f"downloading Kafka {lock.kafka} ({len(lock.jars)} jars, once)")
    downloads = scratch / "downloads"
    with ThreadPoolExecutor(DOWNLOADS_MAX) as pool:
        tasks = {pool.submit(fetch, jar.coordinate, downloads): jar for jar in lock.jars}
        try:
            for count, task in enumerate(as_completed(tasks), start=1):
                jar, path = tasks[task], task.result()
                verify(jar, path)
                path.rename(scratch / jar.filename)
                report(f"Kafka jars: {count} of {len(tasks)}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    shutil.rmtree(downloads, ignore_errors=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a file lock; the system releases it when we die."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
