"""`danbao`: the command line.  Each command lives in a file of its own; this one lists them.

Only the command that was asked for is imported: an engine starts a dozen processes by `danbao
run`, and what they do not use would cost each of them half a second and thirty megabytes.
"""

import sys
from importlib import import_module

import typer

COMMANDS = {
    "up": "up.up",
    "down": "down.down",
    "wait": "wait.wait",
    "env": "env.env",
    "run": "run.run",
    "publish": "publish.publish",
    "simulate-market": "simulate.simulate_market",
    "kafka-acls": "kafka_acls.kafka_acls",
    "migrate": "migrate.migrate",
    "lag": "top.lag",
    "top": "top.top",
    "log": "log.log",
    "trade": "trade.trade",
    "summary": "summary.summary",
    "dead-letters": "dead_letter_changes.app",
    "ledger": "ledger.app",
    "prove": "prove.app",
    "check-proof": "check_proof.check",
    "keys": "keys.app",
    "projections": "projections.app",
    "verify": "verify.verify",
    "replay": "replay.replay",
    "export": "export.export",
    "sql": "sql.sql",
    "what-if": "what_if.what_if",
    "report": "report.command.app",
    "doctor": "doctor.doctor",
    "clock": "clock.app",
    "recover": "recover.app",
    "backup": "backup.backup",
    "restore": "backup.restore",
    "demo": "demo.demo",
    "bench": "bench.bench",
    "schemas": "schemas.app",
}
"""Where each command lives in this package; an `app` is a group of commands."""


def make_app(wanted: str | None = None) -> typer.Typer:
    """Make the command line: all of it, or as if there were only the command that is wanted."""
    app = typer.Typer(
        name="danbao",
        help="danbao (担保): an event-sourced payment engine with escrow at its heart.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_remain_a_group)
    for name, place in COMMANDS.items():
        if wanted in {None, name}:
            _add(app, name, place)
    return app


def _add(app: typer.Typer, name: str, place: str) -> None:
    module, attribute = place.rsplit(".", 1)
    command = getattr(import_module(f"danbao.cli.{module}"), attribute)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


def _remain_a_group() -> None:
    pass  # typer would take the name of a lone command away


def main() -> None:
    """Run the command line of this process."""
    first = sys.argv[1] if len(sys.argv) > 1 else None
    make_app(first if first in COMMANDS else None)()
