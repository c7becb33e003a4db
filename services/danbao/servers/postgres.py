"""The local Postgres server: make its data once, start, wait until it is ready, stop.

`<home>/postgres/made.json` says that the data folder is complete and where it is; without it
the next start makes the data anew. The password is in `<home>/postgres/password`, mode 0600.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from danbao.servers import ports, postgres_config, postgres_place, process
from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.jars import Report
from danbao.servers.process import POLL_S, Program, User

MAKE_S = 120
START_S = 60
STOP_S = 10
RETRY_S = 10
OWN_DATABASES_FROM = 16_384
"""Lower numbers are those of the template databases."""
RETRIED = ("pre-existing shared memory block", "could not bind", "Address already in use")
"""A killed server's children need a moment to end; a port may be taken between choice and use."""


class PostgresServer:
    """One database server below `<home>/postgres`; not safe for two processes on one home."""

    name = "postgres"

    def __init__(self, home: Path, report: Report) -> None:
        """Take an absolute home; nothing is started or written."""
        self.home = home
        self.running: subprocess.Popen[bytes] | None = None
        self._report = report
        self._port = 0

    @property
    def is_made(self) -> bool:
        """Whether this home has a database already."""
        return self._made_file.exists()

    @property
    def folder(self) -> Path:
        """Everything of this server, but for data that had to go elsewhere."""
        return self.home / "postgres"

    @property
    def address(self) -> str:
        """The address with user and password."""
        owner, database = postgres_config.OWNER, postgres_config.DATABASE
        return f"postgresql://{owner}:{self._password()}@{ports.LOOPBACK}:{self._port}/{database}"

    def busy_folders(self) -> list[Path]:
        """Those of databases that were made here, in which files grow without end."""
        made = self._made()
        if made is None:
            return []
        numbers = (folder for folder in (made / "base").iterdir() if folder.name.isdecimal())
        return [folder for folder in numbers if int(folder.name) >= OWN_DATABASES_FROM]

    async def start(self) -> None:
        """Start on the recorded port, or on a new one when somebody took it.

        Raises:
            ServerError: `postgres_missing`, `postgres_user_missing` or `postgres_start_failed`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        made = self._made()
        user, data = self._who_and_where(made)
        programs = await asyncio.to_thread(postgres_place.programs, user, self._report)
        await self._end_left_over(data)
        if made is None:
            await self._make_data(programs, data, user)
        await self._start_and_retry(programs, data, user)
        if made is None:
            await self._make_database(programs)
            self._note_made(data)

    async def stop(self) -> None:
        """Stop fast (sessions are cut, data is flushed), kill past the limit."""
        if self.running is not None:
            await process.stop(self.running, signal.SIGINT, STOP_S)
            self.running = None

    def kill(self) -> None:
        """Kill without warning, as a crash would; its children end by themselves."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()
            self.running = None

    def remove_outside_data(self) -> None:
        """Delete data that is not below the home; the server must be stopped."""
        made = self._made()
        if made is not None and not made.is_relative_to(self.home):
            shutil.rmtree(made, ignore_errors=True)
            self._made_file.unlink()

    @property
    def _made_file(self) -> Path:
        return self.folder / "made.json"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _made(self) -> Path | None:
        """Return the complete data folder, if there is one.

        Data outside belongs to one home by its path: a moved or copied home must not open it.
        """
        if not self.is_made:
            return None
        made = json.loads(self._made_file.read_text(encoding="utf-8"))
        data = self.folder / str(made["data"])  # An absolute path stands for itself.
        is_ours = data.is_relative_to(self.folder) or made["home"] == str(self.home)
        if not is_ours or not (data / "PG_VERSION").exists():
            what = "is gone or cannot be read" if is_ours else f"belongs to {made['home']}"
            raise ServerError(
                ServerCode.POSTGRES_START_FAILED,
                f"The data folder {data} {what}, and {self.home} needs it.",
                todo=f"Bring it back, or delete {self.home} to begin with nothing.",
            )
        return data

    def _note_made(self, data: Path) -> None:
        """Write down that the data is complete; inside the home by a name that survives a move."""
        name = data.name if data.parent == self.folder else str(data)
        text = json.dumps({"data": name, "home": str(self.home)})
        self._made_file.write_text(text, encoding="utf-8")

    def _who_and_where(self, made: Path | None) -> tuple[User | None, Path]:
        """Say as whom the server runs (None: as we) and where its data is or goes."""
        is_root = os.geteuid() == 0
        if made is None:
            user = postgres_place.other_user() if is_root else None
            return user, postgres_place.data_folder(self.home, user)
        owner = postgres_place.owner_of(made)
        if owner is not None and not is_root:
            raise ServerError(
                ServerCode.POSTGRES_START_FAILED,
                f"The data in {made} belongs to the user {owner.name}.",
                todo=f"Run as root or as {owner.name}, or choose another DANBAO_HOME.",
            )
        if owner is None and is_root:  # Root has copied it.
            owner = postgres_place.other_user()
            postgres_place.give(made, owner)
        return owner, made

    def _password(self) -> str:
        """Return the password; the first call makes it."""
        path = self.folder / "password"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text(encoding="utf-8")

    async def _make_data(self, programs: Path, data: Path, user: User | None) -> None:
        """Run initdb into an empty folder."""
        self._report("making the data folder of Postgres")
        password_file = self._prepare_data(data, user)
        command = postgres_config.initdb_command(programs / "initdb", data, password_file)
        try:
            if await process.run(Program(command, self._log, user=user), MAKE_S) != 0:
                raise self._failed(what="could not make its data folder")
        finally:
            password_file.unlink(missing_ok=True)

    def _prepare_data(self, data: Path, user: User | None) -> Path:
        """Make the folder anew, with a password file for initdb; both belong to the server's user.

        What an unfinished attempt or a deleted home left there is deleted.
        """
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        password_file = data.with_name(f"{data.name}.password")
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(self._password(), encoding="utf-8")
        if user is not None:
            os.chown(data, user.uid, user.gid)
            os.chown(password_file, user.uid, user.gid)
        if not data.is_relative_to(self.home):
            self._report(f"the data of Postgres is in {data}: its user cannot reach {self.home}")
        return password_file

    async def _start_and_retry(self, programs: Path, data: Path, user: User | None) -> None:
        """Start; try again for a while on failures that pass."""
        has_lz4 = await asyncio.to_thread(_has_lz4, programs)
        deadline = time.monotonic() + RETRY_S
        while True:
            self._port = ports.choose(self.folder / "ports.json", "postgres")["postgres"]
            values = postgres_config.settings(port=self._port, has_lz4=has_lz4)
            command = postgres_config.server_command(programs / "postgres", data, values)
            told = process.size(self._log)
            self.running = process.spawn(Program(command, self._log, signal.SIGINT, user))
            if await self._wait_ready(data):
                return
            await self.stop()
            said = process.last_lines(self._log, since=told)
            if time.monotonic() > deadline or not any(each in said for each in RETRIED):
                raise self._failed(what="did not start")
            await asyncio.sleep(POLL_S * 5)

    async def _wait_ready(self, data: Path) -> bool:
        """Wait until the server writes `ready` into its pid file, as `pg_ctl` does."""
        deadline = time.monotonic() + START_S
        while self.running is not None and self.running.poll() is None:
            if _is_ready(data, self.running.pid):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return False

    async def _make_database(self, programs: Path) -> None:
        """Create the database."""
        command = postgres_config.createdb_command(programs / "createdb", self._port)
        environment = {"PGPASSWORD": self._password()}
        if await process.run(Program(command, self._log, environment=environment), MAKE_S) != 0:
            raise self._failed(what="could not make its database")

    async def _end_left_over(self, data: Path) -> None:
        """End a server that an earlier run left on this data."""
        left_over = process.find_left_over(data / "postmaster.pid", str(data))
        if left_over is not None:
            self._report(f"ending a Postgres that an earlier run left behind (pid {left_over.pid})")
            await process.end_left_over(left_over, signal.SIGINT, STOP_S)

    def _failed(self, *, what: str) -> ServerError:
        """Build the error with what the server said last."""
        return ServerError(
            ServerCode.POSTGRES_START_FAILED,
            f"Postgres {what}. It said last:\n{process.last_lines(self._log)}",
            todo=f"See {self._log}.",
        )


def _is_ready(data: Path, pid: int) -> bool:
    """Read the pid file: line 1 is the process id, line 8 the state."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return int(lines[0]) == pid and lines[7].strip() == "ready"
    except (OSError, IndexError, ValueError):
        return False


def _has_lz4(programs: Path) -> bool:
    """Say whether Postgres was built with lz4; its own record of the build tells."""
    answer = subprocess.run(  # noqa: S603 - our own program
        [programs / "pg_config", "--configure"], capture_output=True, text=True, check=False
    )
    return "--with-lz4" in answer.stdout
