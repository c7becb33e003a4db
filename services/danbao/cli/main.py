"""`danbao`: the command line.  Each command lives in a file of its own; this one lists them."""

from collections.abc import Callable

import typer

from danbao.cli import (
    backup,
    bench,
    dead_letter_changes,
    demo,
    doctor,
    down,
    env,
    export,
    log,
    publish,
    replay,
    run,
    simulate,
    sql,
    summary,
    trade,
    up,
    wait,
)
from danbao.cli.clock import app as clock_app
from danbao.cli.dead_letters import app as dead_letters_app
from danbao.cli.ledger import app as ledger_app
from danbao.cli.recover import app as recover_app
from danbao.cli.report.command import app as report_app
from danbao.cli.schemas import app as schemas_app

app = typer.Typer(
    name="danbao",
    help="danbao (担保): an event-sourced payment engine with escrow at its heart.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: dict[str, Callable[..., None]] = {
    "up": up.up,
    "down": down.down,
    "wait": wait.wait,
    "env": env.env,
    "run": run.run,
    "publish": publish.publish,
    "simulate-market": simulate.simulate_market,
    "log": log.log,
    "trade": trade.trade,
    "summary": summary.summary,
    "replay": replay.replay,
    "export": export.export,
    "sql": sql.sql,
    "doctor": doctor.doctor,
    "backup": backup.backup,
    "restore": backup.restore,
    "demo": demo.demo,
    "bench": bench.bench,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
for change in (dead_letter_changes.retry, dead_letter_changes.discard):
    dead_letters_app.command()(change)
app.add_typer(dead_letters_app, name="dead-letters")
app.add_typer(ledger_app, name="ledger")
app.add_typer(report_app, name="report")
app.add_typer(clock_app, name="clock")
app.add_typer(recover_app, name="recover")
app.add_typer(schemas_app, name="schemas")
