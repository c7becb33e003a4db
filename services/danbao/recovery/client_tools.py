"""Postgres' own client programs: those of the embedded server's package, else those on PATH."""

import asyncio
import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from danbao.kernel.errors import StopError
from danbao.servers import ServerError
from danbao.servers.postgres_place import wheel_folder

SAID_MAX = 600


class ToolError(StopError):
    """A client program of Postgres is missing, or too old for the server."""

    code = "client_tool_missing"


@dataclass(frozen=True, slots=True)
class Tool:
    """A client program."""

    path: Path

    async def run(self, dsn: str, *arguments: str) -> tuple[int, str]:
        """Run it against a server; gives its status, and what it said at the end.

        The password goes by environment: arguments can be read by everybody on the machine.
        """
        address, password = without_password(dsn)
        environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
        process = await asyncio.create_subprocess_exec(
            self.path,
            *arguments,
            f"--dbname={address}",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
        _, said = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace").strip()[-SAID_MAX:]


def without_password(dsn: str) -> tuple[str, str]:
    """An address without its password, and the password."""
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn, ""
    login, _, place = parts.netloc.rpartition("@")
    netloc = f"{login.partition(':')[0]}@{place}"
    return urlunsplit(parts._replace(netloc=netloc)), unquote(parts.password)


def find_tool(name: str, server: int) -> Tool:
    """Find a client program that can talk to a server of this major version.

    Raises:
        ToolError: there is none.
    """
    found: list[str] = []
    for path in _candidates(name):
        major = _major(path)
        if major >= server:
            return Tool(path)
        found.append(f"{path} is of version {major}")
    raise ToolError(
        f"no {name} for Postgres {server}: {'; '.join(found) or 'none is installed'}",
        todo=f"Install the client programs of Postgres {server}, or put them first on PATH.",
    )


def _candidates(name: str) -> list[Path]:
    places: list[Path] = []
    with suppress(ServerError):  # the package is optional where servers are given
        places.append(wheel_folder() / "pginstall" / "bin" / name)
    if on_path := shutil.which(name):
        places.append(Path(on_path))
    return [place for place in places if place.exists()]


def _major(path: Path) -> int:
    answer = subprocess.run(  # noqa: S603 - a program of Postgres
        [path, "--version"], capture_output=True, text=True, check=False
    )
    match = re.search(r"\b(\d+)(?:\.|\b)", answer.stdout)
    return int(match[1]) if match else 0
