"""History decided again on a real Postgres, by the command that analysts use."""

import csv
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from tests.integration.filled_log import Filled
from tests.unit.whatif.asking import DEFAULTS, HARMLESS, file_of

pytestmark = pytest.mark.servers


def write(folder: Path, text: bytes) -> str:
    path = folder / "policies.json"
    path.write_bytes(text)
    return str(path)


def test_with_unchanged_policies_two_days_are_the_same_to_the_byte(
    filled: Filled, tmp_path: Path
) -> None:
    """What Postgres keeps is enough to make every decision again."""
    file = write(tmp_path, file_of(DEFAULTS))

    done = filled.cli(tmp_path, "what-if", "--policy", file, "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["events"], found["to"]) == (len(filled.rows), len(filled.rows))
    assert (found["differ"], found["differences"], found["money"]) == (0, [], [])
    assert set(found["not_redecided"]) <= {reason.value for reason in HARMLESS}
    assert found["redecided"] > 0.95 * found["decisions"]
    assert found["first_order"] is True


def test_a_fee_over_the_end_of_the_log_is_what_a_spreadsheet_says(
    filled: Filled, tmp_path: Path
) -> None:
    """States and balances of the first moment come from the log, closings and what came after."""
    first = len(filled.rows) // 2 + 7
    expected: Counter[str] = Counter()
    count = 0
    for row in filled.rows[first - 1 :]:
        if row.type == "settlement.credit_recorded.v1":
            data = json.loads(row.data)
            gross, fee = data["gross"]["minor"], data["fee"]["minor"]
            expected[data["gross"]["currency"]] += round(Fraction(gross * 45, 10_000)) - fee
            count += 1
    file = write(tmp_path, file_of({"settlement.fee": {"fee_bps": 45}}))

    done = filled.cli(tmp_path, "what-if", "--policy", file, "--from", str(first), "--csv")

    assert done.returncode == 0, done.stderr
    lines = list(csv.DictReader(done.stdout.splitlines()))
    differing = [line for line in lines if line["kind"] == "differs"]
    found: Counter[str] = Counter()
    for line in differing:
        if line["what"]:  # a fee of a very small amount may be rounded to the same
            assert line["what"] == "fee"
            found[line["currency"]] += int(line["minor"])
    assert found == expected
    assert len(differing) == count > 0
    shown = filled.cli(tmp_path, "what-if", "--policy", file, "--from", str(first))
    assert "First-order" in shown.stdout
    assert f"{count:,} would differ" in shown.stdout


@pytest.mark.parametrize(
    ("policies", "options", "status", "problem"),
    [
        (b"{", (), 2, "policy_file_broken"),
        (b'{"policy": "settlement.fee", "body": {"fee": 1}}', (), 2, "unknown field `fee`"),
        (b'{"policy": "settlement.fee", "body": {}}', ("--to", "999999999"), 1, "beyond the last"),
        (
            b'{"policy": "settlement.fee", "body": {}}',
            ("--to", "1999-01-01"),
            1,
            "before the first",
        ),
        (b'{"policy": "settlement.fee", "body": {}}', ("--from", "soon"), 2, "no position"),
        (b'{"policy": "settlement.fee", "body": {}}', ("--json", "--csv"), 2, "exclude each other"),
    ],
)
def test_a_question_without_sense_ends_with_a_code(
    filled: Filled,
    tmp_path: Path,
    policies: bytes,
    options: tuple[str, ...],
    status: int,
    problem: str,
) -> None:
    """A script sees what was wrong, and gets no figures."""
    file = write(tmp_path, policies)

    done = filled.cli(tmp_path, "what-if", "--policy", file, *options)

    assert (done.returncode, done.stdout) == (status, "")
    assert problem in " ".join(done.stderr.split())
