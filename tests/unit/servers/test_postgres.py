"""The settings, the place and the user of Postgres."""

import os
from pathlib import Path

import pytest

from danbao.servers import postgres_config, postgres_place
from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.process import User

STRANGER = User("stranger", os.geteuid() + 4242, os.getegid() + 4242)


@pytest.mark.parametrize("has_lz4", [True, False])
def test_the_server_is_durable_and_on_loopback(has_lz4: bool) -> None:
    """No convenience setting may weaken what a commit promises."""
    found = postgres_config.settings(port=1001, has_lz4=has_lz4)

    durable = ("fsync", "synchronous_commit", "full_page_writes")
    assert [found[name] for name in durable] == ["on", "on", "on"]
    assert found["listen_addresses"] == "127.0.0.1"
    assert found["wal_compression"] == ("lz4" if has_lz4 else "off")


def test_initdb_takes_checksums_and_a_password() -> None:
    """A page that the disk changed is found when it is read, and no port is open to all."""
    command = postgres_config.initdb_command(Path("initdb"), Path("data"), Path("secret"))

    assert "--data-checksums" in command
    assert "--pwfile=secret" in command
    assert "scram-sha-256" in command


def test_a_stranger_reaches_only_what_all_parents_allow(tmp_path: Path) -> None:
    """One closed folder on the way is enough, as `/root` is."""
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)

    assert not postgres_place.may_enter(inner, STRANGER)
    assert postgres_place.may_enter(Path("/"), STRANGER)


def test_without_another_user_root_is_told_what_to_do() -> None:
    """Postgres itself would only say that root is not permitted."""
    with pytest.raises(ServerError) as caught:
        postgres_place.other_user(["no-such-user", "root"])

    assert caught.value.code == ServerCode.POSTGRES_USER_MISSING
    assert "another user" in caught.value.todo


def test_data_of_ours_is_run_by_ourselves(tmp_path: Path) -> None:
    """Only data of another owner changes who runs the server."""
    assert postgres_place.owner_of(tmp_path) is None
