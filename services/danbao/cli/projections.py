"""`danbao projections`: read models as products: list, rebuild, compare, drop."""

import sys
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail, settings
from danbao.cli.format import count_text, json_text, page
from danbao.cli.progress import progress_bar
from danbao.cli.projections_tables import builds_table, checked_text, difference_text
from danbao.cli.recover import log_to_stderr
from danbao.kernel import builds as kept
from danbao.kernel.builds import Build, BuildId, newest
from danbao.kernel.comparing import Difference
from danbao.kernel.crash import plan_crash
from danbao.kernel.postgres.connection import PATIENT, connect, role_of
from danbao.projections.check import CheckedModel, check_models
from danbao.projections.differences import list_builds
from danbao.projections.errors import ProjectionError
from danbao.projections.rebuild import (
    Rebuilt,
    begin_rebuild,
    choose,
    drop_builds,
    finish_rebuild,
)
from danbao.readmodels.models import READ_MODELS

ROLE = role_of("projector")
"""What is built belongs to the projector, whoever builds it."""

app = typer.Typer(
    help="Read models: which versions there are, rebuilding them, what differs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Name = Annotated[str, typer.Argument(help="A read model, such as trades.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """Every build of every read model: its version, its state, how far it has come.

    Example: danbao projections list
    """

    async def read(dsn: str) -> str:
        async with reader(dsn) as connection:
            builds = await list_builds(connection)
        if json:
            return json_text({"builds": builds})
        page().print(builds_table(builds))
        return ""

    if text := run(read(postgres_address())):
        typer.echo(text)


@app.command()
def rebuild(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    every: Annotated[bool, typer.Option("--all", help="All read models, in one go.")] = False,
    version: Annotated[
        int | None, typer.Option(min=1, help="Another version that this code has.")
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Build and compare, but leave the live one in its place.")
    ] = False,
    json: Json = False,
) -> None:
    """Build read models anew beside the live ones, compare, and swap; nobody has to stop.

    Whoever was killed goes on with the same command. With --hold the new one is kept up to date
    beside the live one until the same command without --hold lets it take its place.

    Example: danbao projections rebuild trades

    Example: danbao projections rebuild --all --hold
    """
    if bool(names) == every:
        fail("name read models, or give --all", WRONG_USE)
    log_to_stderr()
    plan_crash(settings().crash_at)
    chosen = names or list(newest(READ_MODELS))
    done = run(_rebuild(postgres_address(), chosen, version, hold=hold))
    if json:
        typer.echo(json_text({"rebuilt": [_rebuilt_json(each) for each in done]}))
    else:
        for each in done:
            typer.echo(_rebuilt_text(each))
    if any(each.refused for each in done):
        raise typer.Exit(REFUSED)


@app.command()
def diff(
    name: Name,
    last: Annotated[
        bool, typer.Option("--last", help="What the last swap changed, as it was then.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare: a build with the live one if there is one, else the live rows with the log.

    Status 1 when a row differs.

    Example: danbao projections diff trades

    Example: danbao projections diff trades --last
    """
    log_to_stderr()
    found = run(_diff(postgres_address(), name, last=last))
    if isinstance(found, CheckedModel):
        typer.echo(json_text(found) if json else checked_text(found))
        differs = found.wrong > 0
    else:
        typer.echo(json_text(found) if json else difference_text(name, found))
        differs = found.is_any
    if differs and not last:
        raise typer.Exit(REFUSED)


@app.command()
def drop(
    name: Name,
    building: Annotated[
        bool, typer.Option("--building", help="Give up the one that is being built instead.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take the retired builds of a read model away, tables and all; never the live one.

    Example: danbao projections drop trades --yes
    """
    if not yes:
        if json or not sys.stdin.isatty():
            fail("nothing was changed: nobody is there to ask", REFUSED, "Add --yes.")
        if not typer.confirm(f"Drop {'the build' if building else 'retired builds'} of {name}?"):
            fail("nothing was changed", REFUSED)
    gone = run(_drop(postgres_address(), name, building=building))
    tables = [build.id.table for build in gone]
    if json:
        typer.echo(json_text({"dropped": tables}))
    else:
        typer.echo(f"dropped {', '.join(tables)}" if tables else "there was nothing to drop")


async def _rebuild(
    dsn: str, names: Sequence[str], version: int | None, *, hold: bool
) -> list[Rebuilt]:
    models = choose(names, version)
    connection = await connect(dsn, purpose="projections", session=PATIENT, role=ROLE)
    try:
        begun = await begin_rebuild(connection, models, is_held=hold)
        end = int(await connection.fetchval("SELECT position FROM danbao.log_heads"))
        start = min((build.checkpoint for build in begun), default=0)
        words = f"{count_text(len(begun), 'read model')} up to position {end:,}"
        typer.echo(words + (f", going on from {start:,}" if start else ""), err=True)
        with progress_bar("events", end) as report:
            return await finish_rebuild(connection, begun, report, settings().projector_slice_max)
    finally:
        await connection.close(timeout=2)


async def _diff(dsn: str, name: str, *, last: bool) -> Difference | CheckedModel:
    models = choose([name])
    async with reader(dsn) as connection:
        builds = [build for build in await list_builds(connection) if build.name == name]
        if last:
            live = [build.difference for build in builds if build.state == "live"]
            if not live or live[0] is None:
                raise ProjectionError(f"{name} never took another one's place")
            return live[0]
        if not any(build.state == "building" for build in builds):
            head = max((build.checkpoint for build in builds), default=0)
            with progress_bar("events", head) as report:
                return (await check_models(connection, models, report))[0]
    [building] = [build for build in builds if build.state == "building"]
    try:
        [found] = await _rebuild(dsn, [name], building.version, hold=True)
    finally:
        if not building.is_held:
            await _release(dsn, BuildId(name, building.version, building.build))
    return found.difference


async def _release(dsn: str, build: BuildId) -> None:
    """Let a build that was held only to be compared go on as it would have."""
    connection = await connect(dsn, purpose="projections", session=PATIENT, role=ROLE)
    try:
        await kept.hold(connection, build, is_held=False)
    finally:
        await connection.close(timeout=2)


async def _drop(dsn: str, name: str, *, building: bool) -> list[Build]:
    connection = await connect(dsn, purpose="projections", session=PATIENT)
    try:
        return await drop_builds(connection, name, building=building)
    finally:
        await connection.close(timeout=2)


def _rebuilt_json(each: Rebuilt) -> dict[str, object]:
    build = msgspec.to_builtins(each.build)
    return {**build, "difference": each.difference, "refused": each.refused or None}


def _rebuilt_text(each: Rebuilt) -> str:
    name, version, build = each.build.id
    place = "is live" if each.build.state == "live" else "is held beside the live one"
    if each.refused:
        place = f"is NOT live: {each.refused}"
    found = difference_text(name, each.difference)
    return f"{name} version {version} (build {build}) {place}\n{found}"
