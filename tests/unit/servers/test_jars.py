"""Only jars that match the lock reach the cache, and a filled cache is never filled again."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.jars import Jar, Lock, cache_root, cached_folder, ensure_jars, load_lock

NAMES = ("a.b:broker:1.0", "c.d:client:2.0")


def jar(coordinate: str, content: str) -> Jar:
    """Lock a jar with this content."""
    return Jar(coordinate, hashlib.sha256(content.encode()).hexdigest())


LOCK = Lock("9.9", tuple(jar(name, name) for name in NAMES))


class Repository:
    """Serves each coordinate as its own content and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, coordinate: str, scratch: Path) -> Path:
        """Write the file as a download would."""
        self.asked.append(coordinate)
        path = scratch / coordinate.replace(":", "/") / "file.jar"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(coordinate, encoding="utf-8")
        return path


def quiet(line: str) -> None:
    """Report to nobody."""


def test_verified_jars_are_cached_under_their_names(tmp_path: Path) -> None:
    """The class path is made from these names."""
    folder = ensure_jars(quiet, LOCK, tmp_path, Repository().fetch)

    assert sorted(each.name for each in folder.iterdir()) == ["broker-1.0.jar", "client-2.0.jar"]
    assert all(path.exists() for path in LOCK.paths(folder))


def test_a_filled_cache_needs_no_network(tmp_path: Path) -> None:
    """Once the jars are there, danbao starts offline."""
    repository = Repository()
    first = ensure_jars(quiet, LOCK, tmp_path, repository.fetch)
    second = ensure_jars(quiet, LOCK, tmp_path, repository.fetch)

    assert first == second
    assert sorted(repository.asked) == sorted(NAMES)


def test_a_wrong_checksum_keeps_nothing(tmp_path: Path) -> None:
    """A jar that somebody exchanged never runs."""
    lock = Lock("9.9", (jar(NAMES[0], NAMES[0]), jar(NAMES[1], "something else")))

    with pytest.raises(ServerError, match=NAMES[1]) as caught:
        ensure_jars(quiet, lock, tmp_path, Repository().fetch)

    assert caught.value.code == ServerCode.JAR_CHECKSUM_MISMATCH
    assert cached_folder(lock, tmp_path) is None
    assert [each for each in tmp_path.iterdir() if each.is_dir()] == []


def test_two_that_fill_at_once_download_once(tmp_path: Path) -> None:
    """Two checkouts may start for the first time at the same moment."""
    repository = Repository()
    with ThreadPoolExecutor(2) as pool:
        tasks = [
            pool.submit(ensure_jars, quiet, LOCK, tmp_path, repository.fetch) for _ in range(2)
        ]
        folders = {task.result() for task in tasks}

    assert len(folders) == 1
    assert sorted(repository.asked) == sorted(NAMES)


def test_another_lock_gets_another_folder() -> None:
    """A changed lock never meets the jars of the old one."""
    changed = Lock("9.9", (jar(NAMES[0], "newer"), LOCK.jars[1]))

    assert changed.folder_name != LOCK.folder_name


def test_the_committed_lock_is_complete_and_names_no_host() -> None:
    """Which repository serves the jars is the machine's setting, not the project's."""
    lock = load_lock()
    coordinates = [each.coordinate for each in lock.jars]

    assert f"org.apache.kafka:kafka_2.13:{lock.kafka}" in coordinates
    assert f"org.apache.kafka:kafka-clients:{lock.kafka}" in coordinates
    assert len({each.filename for each in lock.jars}) == len(lock.jars)
    assert all(len(each.sha256) == 64 for each in lock.jars)
    assert not any("/" in each for each in coordinates)


def test_the_cache_follows_the_user_setting() -> None:
    """XDG_CACHE_HOME is where users expect caches when they set it."""
    assert cache_root({"XDG_CACHE_HOME": "/somewhere"}) == Path("/somewhere/danbao")
    assert cache_root({}) == Path.home() / ".cache" / "danbao"
