"""Each client library is known in few places, so that it can be replaced and faked."""

from collections.abc import Mapping
from typing import Final

import pytest
from tests.tidy.checkout import PACKAGE, imports_of, listing, name_of

ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "aiokafka": ("bench", "cli", "engine", "kernel", "publisher", "recovery", "servers", "signing"),
    "asyncpg": (
        *("analysis", "archive", "bench", "cli", "engine", "kernel", "metrics"),
        *("projections", "recovery", "servers", "signing", "verification", "whatif"),
    ),
}
"""Folders of the package that may import a library; some work for people."""


@pytest.mark.parametrize("library", ALLOWED)
def test_a_client_library_is_imported_only_where_it_belongs(library: str) -> None:
    """All else sees our own ports, whose in-memory twins the tests run on."""
    problems = [
        f"{name_of(path)}:{line}: imports {module}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ALLOWED[library]
        for line, module in imports_of(path)
        if module.split(".")[0] == library
    ]
    places = ", ".join(f"danbao.{folder}" for folder in ALLOWED[library])
    assert not problems, listing(problems, f"{library} belongs in {places}: use what they offer")
