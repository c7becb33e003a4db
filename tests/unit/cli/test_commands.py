"""The query commands on the command line: help, and how they end without an engine."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from danbao.cli.dead_letters import app as dead_letters
from danbao.cli.dead_letters import readable
from danbao.cli.doctor import doctor
from danbao.cli.log import log
from danbao.cli.publish import publish
from danbao.cli.simulate import simulate_market
from danbao.cli.summary import summary
from danbao.cli.trade import trade
from danbao.cli.what_if import what_if

COMMANDS = (
    "publish", "simulate-market", "log", "trade", "dead-letters", "doctor", "summary", "what-if",
)  # fmt: skip
READERS = (["log"], ["trade", "T-1"], ["dead-letters"], ["dead-letters", "show", "1"], ["summary"])


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
    for name in ("DANBAO_POSTGRES_DSN", "DANBAO_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DANBAO_HOME", str(tmp_path))
    app = typer.Typer(rich_markup_mode=None)
    for function in (publish, log, trade, doctor, summary):
        app.command()(function)
    app.command("simulate-market")(simulate_market)
    app.command("what-if")(what_if)
    app.add_typer(dead_letters, name="dead-letters")
    return app


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(cli: typer.Typer, command: str) -> None:
    """An example that can be copied says more than a list of options."""
    result = CliRunner().invoke(cli, [command, "--help"])

    assert result.exit_code == 0
    assert f"Example: danbao {command}" in " ".join(result.output.split())
    assert "--json" in result.output


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_without_an_engine_a_command_is_unavailable(cli: typer.Typer, arguments: list[str]) -> None:
    """A script tells "nothing runs" (3) from "refused" (1), and a person reads what to do."""
    result = CliRunner().invoke(cli, arguments)

    assert result.exit_code == 3
    assert "no engine runs here" in result.output
    assert "danbao up" in result.output


def test_a_broken_line_is_named_before_anything_goes_out(
    cli: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong use (2), with the place as editors understand it; Kafka is not even asked."""
    monkeypatch.setenv("DANBAO_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    file = tmp_path / "day.jsonl"
    file.write_text('{"partitionkey":"T-1"}\n{"partitionkey":\n')

    result = CliRunner().invoke(cli, ["publish", str(file)])

    assert result.exit_code == 2
    assert f"{file}:2:" in result.output


def test_a_file_that_is_not_there_is_wrong_use(cli: typer.Typer) -> None:
    """Nothing is published when one of several files is missing."""
    result = CliRunner().invoke(cli, ["publish", "nowhere.jsonl"])

    assert result.exit_code == 2
    assert "nowhere.jsonl" in result.output


def test_a_market_day_is_written_and_named(cli: typer.Typer, tmp_path: Path) -> None:
    """The output is the command line that publishes it."""
    arguments = ["simulate-market", "--trades", "5", "--seed", "1", "--out", str(tmp_path / "day")]
    result = CliRunner().invoke(cli, arguments)

    assert result.exit_code == 0
    assert len(list((tmp_path / "day").glob("*.jsonl.gz"))) == 3
    assert "danbao publish" in result.output


def test_bytes_that_are_no_text_are_shown_escaped() -> None:
    """A dead letter is often broken text; nothing of it reaches the terminal raw."""
    assert readable(b"\xff\x1b{") == "\\xff\\x1b{"
    assert readable(None) == "(none)"
