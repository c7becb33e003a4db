"""Each finding says what to do when something is in the way."""

from pathlib import Path

import pytest

from danbao.kernel.findings import Finding, Status
from danbao.kernel.settings import Settings
from danbao.servers import doctor
from danbao.servers.doctor import GIB


def test_every_finding_that_is_not_fine_says_what_to_do() -> None:
    """A report without a next step is no help."""
    findings = [
        doctor.find_python((3, 10, 1)),
        doctor.find_postgres(""),
        doctor.find_jars(Path("/nowhere")),
        doctor.find_memory(GIB),
    ]

    assert [each.status for each in findings] == [
        Status.MISSING,
        Status.MISSING,
        Status.WARN,
        Status.WARN,
    ]
    assert all(each.todo for each in findings)


@pytest.mark.parametrize(
    "finding",
    [
        doctor.find_python((3, 14, 0)),
        doctor.find_postgres("18.6.3"),
        doctor.find_memory(16 * GIB),
        doctor.find_docker(False, has_package=False),
        doctor.find_docker(True, has_package=True),
    ],
)
def test_what_is_fine_is_said_to_be_fine(finding: Finding) -> None:
    """Docker is never needed, so its absence is no warning."""
    assert finding.status is Status.OK


def test_addresses_are_reported_without_their_password() -> None:
    """People paste such reports into tickets."""
    findings = doctor.find_addresses(Settings(postgres_dsn="postgresql://me:secret@there/db"))

    assert [each.name for each in findings] == ["postgres address"]
    assert "secret" not in repr(findings)


def test_the_whole_report_names_each_thing_once(tmp_path: Path) -> None:
    """The command line prints one line for each name."""
    settings = Settings(home=tmp_path / "not" / "made")
    names = [each.name for each in doctor.examine(settings, {"DOCKER_HOST": "none://"})]

    assert names == [
        "python", "docker", "java", "postgres", "kafka", "memory", "disk", "user",
    ]  # fmt: skip
    assert not settings.home.exists()
