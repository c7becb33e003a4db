"""What the doctor says of processes."""

from danbao.cli.doctor_processes import examine_processes, find_processes
from danbao.kernel.findings import Status


def test_a_process_that_is_not_ready_is_named_with_its_reasons() -> None:
    """One line says all is well, the others say where to look."""
    findings = find_processes({"escrow-0": [], "relay-0": ["stopping", "and more"]})

    assert [(f.name, f.status, f.detail) for f in findings] == [
        ("processes", Status.OK, "1 of 2 are ready"),
        ("process relay-0", Status.MISSING, "stopping; and more"),
    ]


async def test_a_process_that_does_not_answer_is_not_ready() -> None:
    """Port 1 is nobody's."""
    [_, finding] = await examine_processes({"escrow-0": "http://127.0.0.1:1"})

    assert "does not answer" in finding.detail
