"""The page of a day on real Postgres: every number is what the command beside it gives."""

import csv
import html
import io
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from tests.integration.filled_log import Filled

pytestmark = pytest.mark.servers

STEPS = ("created", "funded", "shipped", "released", "closed")
NAMES = ("created", "paid", "shipped", "succeeded", "closed")


def test_every_number_is_what_its_command_gives(filled: Filled, tmp_path: Path) -> None:
    """A reader who doubts a bar types one line."""
    day = filled.rows[-1].recorded_at.date()
    page = tmp_path / "day.html"
    made = filled.cli(tmp_path, "report", "day", str(day), "--html", str(page), "--json")
    assert made.returncode == 0, made.stderr
    data = json.loads(made.stdout)
    assert filled.cli(tmp_path, "export").returncode == 0
    commands = set(re.findall(r"<pre><code>(danbao .*?)</code></pre>", page.read_text()))
    answers = {}
    for command in map(html.unescape, commands):
        done = filled.cli(tmp_path, *words_of(command)[1:])
        assert done.returncode == 0, (command, done.stderr)
        answers[command] = done.stdout

    tables = [
        [tuple(row) for row in csv.reader(io.StringIO(text))][1:]
        for command, text in answers.items()
        if "--csv" in command
    ]

    assert len(tables) == 8
    assert [(str(data["events"]),)] in tables
    counts = dict(zip(STEPS, (data["funnel"][name] for name in NAMES), strict=True))
    assert {(f"escrow.trade_{step}.v1", str(n)) for step, n in counts.items() if n} in sets(tables)
    for codes in (data["refusals"], data["declines"]):
        assert {(code, str(count)) for code, count in codes.items()} in sets(tables)
    for field in ("paid_minor", "fee_minor"):
        points = {
            (point["at"].replace("Z", "+00:00"), point["currency"], str(point[field]))
            for point in data["points"]
            if point[field]
        }
        assert points in sets(tables)
    columns = ("merchant", "currency", "credits", "gross_minor", "fee_minor", "net_minor")
    merchants = {tuple(str(each[name]) for name in columns) for each in data["merchants"]}
    assert merchants in sets(tables)
    [reserve] = [json.loads(text) for command, text in answers.items() if "reserve" in command]
    last = data["reserve"][-1]
    assert reserve["position"] == last["position"] == data["last_position"]
    assert {each["assets_minor"] for each in reserve["equation"]} == {
        each["assets_minor"] for each in last["sums"]
    }


def words_of(command: str) -> list[str]:
    """The words of a command as a shell reads them."""
    shell = ["sh", "-c", f"printf '%s\\0' {command}"]
    done = subprocess.run(shell, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def sets(tables: list[list[tuple[str, ...]]]) -> list[set[tuple[str, ...]]]:
    return [set(table) for table in tables]


def test_a_day_has_what_was_recorded_on_it(filled: Filled, tmp_path: Path) -> None:
    """Counted a second time, from the rows themselves."""
    day = filled.rows[0].recorded_at.date()
    rows = [row for row in filled.rows if row.recorded_at.date() == day]

    data = json.loads(filled.cli(tmp_path, "report", "day", str(day), "--json").stdout)

    types = Counter(row.type for row in rows)
    assert data["events"] == len(rows)
    assert data["funnel"]["created"] == types["escrow.trade_created.v1"]
    assert sum(data["states"].values()) == data["funnel"]["created"]
    assert sum(data["declines"].values()) == types["authorization.payment_declined.v1"]
    refused = sum(n for name, n in types.items() if name.endswith(".command_rejected.v1"))
    assert sum(data["refusals"].values()) == refused
    captured = [json.loads(r.data) for r in rows if r.type == "authorization.payment_captured.v1"]
    assert sum(point["paid_minor"] for point in data["points"]) == sum(
        each["amount"]["minor"] for each in captured
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("2026-01-05",), 2, "--html FILE or --json"),
        (("yesterday", "--json"), 2, "is no date"),
        (("2001-01-01", "--json"), 1, "before the first event"),
        (("2999-01-01", "--json"), 1, "no event was recorded"),
        (("2026-01-05", "--html", "/nowhere/at/all.html"), 1, "cannot be written"),
    ],
    ids=str,
)
def test_a_page_that_cannot_be_made_says_why(
    filled: Filled, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """A clear text and a stable status."""
    done = filled.cli(tmp_path, "report", "day", *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
