"""`danbao schemas`: make the generated files anew, or check that they agree with the code."""

from pathlib import Path
from typing import Annotated

import typer

from danbao.schemas import generate

app = typer.Typer(
    help="Schemas, examples and state pages: generated from the code.", no_args_is_help=True
)

Root = Annotated[Path, typer.Option(help="The checkout; its schemas/ and docs/states/ are meant.")]


@app.command()
def write(root: Root = Path()) -> None:
    """Make schemas/ and docs/states/ anew; examples that exist are never touched."""
    changed = generate.write(_checkout(root))
    for path in changed:
        typer.echo(path)
    typer.echo(f"{len(changed)} files changed" if changed else "everything agrees with the code")


@app.command()
def verify(root: Root = Path()) -> None:
    """Fail, naming the files, when something generated differs from the code."""
    differing = generate.verify(_checkout(root))
    if not differing:
        return
    typer.echo("These files do not agree with the code; run `make schemas` and commit them:")
    for path in differing:
        typer.echo(f"  {path}")
    raise typer.Exit(1)


def _checkout(root: Path) -> Path:
    """Give the folder back if it is a checkout of danbao: nothing else is written into."""
    if not (root / "services" / "danbao").is_dir():
        typer.echo(f"{root.resolve()} is no checkout of danbao; name one with --root", err=True)
        raise typer.Exit(2)
    return root
