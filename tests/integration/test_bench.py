"""The benchmark on a real engine of its own: small runs, whole ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
AUDIT = f"{sys.executable} -m tests.audit --dsn {{dsn}} --bootstrap {{bootstrap}}"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `danbao bench`."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("DANBAO_")}
    return subprocess.run(
        [sys.executable, "-m", "danbao", "bench", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_a_mixed_loop_is_measured_and_audited(tmp_path: Path) -> None:
    """Every figure has come from somewhere, and what was measured was right to the last event."""
    page = tmp_path / "bench.html"

    done = bench(
        *("--stage", "open", "--mixed", "--rate", "40", "--seconds", "4", "--rounds", "1"),
        *("--warm-up", "50", "--merchants", "20", "--audit", AUDIT, "--html", str(page), "--json"),
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    one = figures["median"]
    assert one["trades"] == 160
    assert one["latency"]["create"]["count"] == 160
    assert 0 < one["latency"]["create"]["p50_ms"] <= one["latency"]["create"]["max_ms"]
    assert figures["echo"]["latency"]["count"] == 640
    assert one["cpu_ms_per_trade"]["escrow"] > 0
    assert one["cpu_ms_per_trade"]["postgres"] > 0
    assert one["wal_bytes_per_trade"] > 1_000
    text = page.read_text()
    assert "<svg" in text
    assert "://" not in text.replace("http://www.w3.org/", "")
    assert "danbao-bench-" in done.stderr
    assert not [line for line in done.stderr.split() if Path(line).is_dir()], "its home is gone"


def test_a_run_whose_audit_fails_is_void() -> None:
    """A figure from books that are wrong must not be quoted."""
    done = bench(
        *(
            "--stage",
            "drain",
            "--trades",
            "40",
            "--rounds",
            "1",
            "--warm-up",
            "20",
            "--merchants",
            "5",
        ),
        *("--audit", f"{sys.executable} -c 'raise SystemExit(1)'"),
    )

    assert done.returncode == 1
    assert "VOID: the auditor ended with 1" in done.stderr
    assert done.stdout == ""


def test_sides_take_turns_and_each_is_whole_at_the_end() -> None:
    """Who has no turn is frozen for it: its workers come back, and nothing is lost or twice."""
    done = bench(
        *("--stage", "closed", "--trades", "60", "--in-flight", "30", "--rounds", "2"),
        *("--warm-up", "30", "--merchants", "5", "--scale", "1,2", "--audit", AUDIT, "--json"),
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert {name: len(side["rounds"]) for name, side in figures["sides"].items()} == {
        "1 worker": 2,
        "2 workers": 2,
    }
    assert [len(each["ratios"]) for each in figures["ratios"]] == [2, 2]
    assert all(
        one["trades"] == 60 and one["latency"]["whole trade"]["count"] == 60
        for side in figures["sides"].values()
        for one in side["rounds"]
    )
