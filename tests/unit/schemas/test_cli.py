"""`danbao schemas`: what it writes, what it says, and how it exits."""

from pathlib import Path

from typer.testing import CliRunner

from danbao.cli.schemas import app

runner = CliRunner()


def checkout(tmp_path: Path) -> list[str]:
    (tmp_path / "services/danbao").mkdir(parents=True)
    return ["--root", str(tmp_path)]


def test_verify_fails_with_the_files_and_what_to_do(tmp_path: Path) -> None:
    """Who broke the check reads in it how to mend it."""
    root = checkout(tmp_path)

    result = runner.invoke(app, ["verify", *root])

    assert result.exit_code == 1
    assert "make schemas" in result.output
    assert "schemas/codes.json" in result.output


def test_after_write_verify_is_content(tmp_path: Path) -> None:
    """The two are twins."""
    root = checkout(tmp_path)

    assert runner.invoke(app, ["write", *root]).exit_code == 0
    assert runner.invoke(app, ["verify", *root]).exit_code == 0


def test_nothing_is_written_outside_a_checkout(tmp_path: Path) -> None:
    """A mistyped folder is left as it is."""
    result = runner.invoke(app, ["write", "--root", str(tmp_path)])

    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
