"""`danbao`: the command line.  Each command lives in a file of its own; this one lists them."""

import typer

from danbao.cli import demo, down, env, run, up, wait
from danbao.cli.schemas import app as schemas_app

app = typer.Typer(
    name="danbao",
    help="danbao (担保): an event-sourced payment engine with escrow at its heart.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("up")(up.up)
app.command("down")(down.down)
app.command("wait")(wait.wait)
app.command("env")(env.env)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.add_typer(schemas_app, name="schemas")
