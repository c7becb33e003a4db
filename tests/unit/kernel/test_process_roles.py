"""Each process has a role in Postgres; code, migration and pages name the same ones."""

from pathlib import Path
from typing import Final

import pytest

from danbao.app import PROCESSES
from danbao.kernel.findings import Status
from danbao.kernel.migrate import migration_files
from danbao.kernel.postgres.checks import find_role
from danbao.kernel.postgres.connection import READER, ROLE, ROLES, role_of

DOCS: Final = Path(__file__).parents[3] / "docs"
MIGRATION: Final = dict(migration_files())["0010_pre_process_roles.sql"]


def test_every_process_has_a_role_and_nothing_else_has_one_of_its_own() -> None:
    """A process without one would work with the rights of all."""
    assert set(ROLES) == set(PROCESSES)
    assert (role_of("escrow"), role_of("doctor")) == ("danbao_escrow", ROLE)


@pytest.mark.parametrize("role", ROLES.values())
def test_the_migration_makes_every_role(role: str) -> None:
    """A role that is only in the code is never there."""
    assert f"'{role}'" in MIGRATION[: MIGRATION.index("$$;")]


@pytest.mark.parametrize("role", [ROLE, READER, *ROLES.values()])
def test_an_administrator_is_told_to_make_every_role(role: str) -> None:
    """Who may not make roles cannot go on without the list."""
    assert f"CREATE ROLE {role} NOLOGIN;" in (DOCS / "how-to/use-your-own-servers.md").read_text()


@pytest.mark.parametrize("page", ["how-to/secure-the-servers.md", "reference/tables.md"])
@pytest.mark.parametrize("role", [ROLE, READER, *ROLES.values()])
def test_every_role_is_on_its_pages(page: str, role: str) -> None:
    """Whoever grants one looks up what it may."""
    assert f"`{role}`" in (DOCS / page).read_text()


@pytest.mark.parametrize(
    ("taken", "status", "code"),
    [
        ("danbao_escrow", Status.OK, ""),
        (ROLE, Status.WARN, "postgres_role_wide"),
        ("none", Status.MISSING, "postgres_role_missing"),
    ],
)
def test_a_login_is_judged_by_the_role_that_it_may_take_on(
    taken: str, status: Status, code: str
) -> None:
    """More rights than needed are worth a word, none at all stop the start."""
    finding = find_role(taken, "danbao_escrow", "somebody")

    assert (finding.status, finding.code) == (status, code)
    assert (finding.todo == "") == (status is Status.OK)
    assert code == "" or "GRANT danbao_escrow TO somebody" in finding.todo
