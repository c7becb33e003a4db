"""`danbao doctor`: is everything there that the engine needs, and is the running one sound?"""

from typing import Annotated

import typer

from danbao.cli.connect import known_addresses
from danbao.cli.doctor_keys import examine_keys
from danbao.cli.doctor_processes import examine_processes
from danbao.cli.exits import REFUSED, running, settings
from danbao.cli.format import json_text, page, plain_table
from danbao.engine.record import read_record
from danbao.kernel.errors import UnavailableError
from danbao.kernel.findings import Finding, Status
from danbao.kernel.kafka.checks import examine_kafka
from danbao.kernel.postgres.checks import examine_postgres, recorded_topics
from danbao.kernel.settings import Settings
from danbao.servers import Addresses
from danbao.servers.doctor import examine

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

SIGNS = {Status.OK: "ok", Status.WARN: "warn", Status.MISSING: "MISSING"}


def doctor(json: Json = False) -> None:
    """Say what this machine and the running engine have and lack, and what to do about it.

    Nothing is changed. Status 1 when something essential is missing.

    Example: danbao doctor
    """
    running(lambda: _report(settings(), json=json))


async def _report(chosen: Settings, *, json: bool) -> int:
    findings = [*examine(chosen), *await examine_engine(known_addresses(chosen))]
    findings.append(examine_keys(chosen.home.absolute()))
    if record := read_record(chosen.home.absolute()):
        findings += await examine_processes(record.health)
    is_sound = all(finding.status is not Status.MISSING for finding in findings)
    if json:
        typer.echo(json_text({"ok": is_sound, "findings": findings}))
    else:
        _show(findings)
    return 0 if is_sound else REFUSED


async def examine_engine(addresses: Addresses) -> list[Finding]:
    """Look at the servers whose addresses are known."""
    findings: list[Finding] = []
    recorded: dict[str, int] = {}
    if not addresses.postgres_dsn and not addresses.kafka_bootstrap:
        return [Finding("engine", Status.OK, "none runs here", "`danbao up` starts one.")]
    if addresses.postgres_dsn:
        try:
            findings += await examine_postgres(addresses.postgres_dsn)
            recorded = await recorded_topics(addresses.postgres_dsn)
        except UnavailableError as error:
            todo = "Check that the server runs and the address is right."
            findings.append(Finding("postgres server", Status.MISSING, str(error), todo))
    if addresses.kafka_bootstrap:
        findings += await examine_kafka(addresses.kafka_bootstrap, recorded)
    return findings


def _show(findings: list[Finding]) -> None:
    table = plain_table("", "what", "found", "to do")
    for finding in findings:
        table.add_row(SIGNS[finding.status], finding.name, finding.detail, finding.todo)
    page().print(table)
