"""Nothing that is committed ties a user to one machine or to one place to fetch packages from."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.tidy.checkout import ROOT, listing, name_of, tracked_files

INDEX_OPTION: Final = re.compile(
    r"--(extra-)?index-url[ =]\S|--find-links[ =]\S|--trusted-host[ =]\S"
    r"|^\s*(extra-)?index-url\s*=|PIP_INDEX_URL\s*=|UV_(DEFAULT_)?INDEX(_URL)?\s*=",
)
INDEX_HOST: Final = re.compile(
    r"https?://[^\s/\"'`]*(pypi|pythonhosted|maven|registry|mirror|artifact|nexus|conda|npm)"
    r"|https?://[^\s\"'`]*/simple\b",
    re.IGNORECASE,
)
PACKAGE_FILES: Final = ("requirements.lock", "pyproject.toml", "Makefile")


def lines_with(pattern: re.Pattern[str], files: Iterable[Path]) -> list[str]:
    """Places in which the pattern is found; files that are no text are left out."""
    found = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{name_of(path)}:{number}: {line.strip()[:120]}")
    return found


def test_no_file_names_a_package_index() -> None:
    """Where packages come from is the user's own setting; hashes say they are the right ones."""
    files = tracked_files()

    problems = lines_with(INDEX_OPTION, files) + lines_with(INDEX_HOST, files)
    assert not problems, listing(problems, "name packages and versions, never where they lie")


def test_index_addresses_are_recognised() -> None:
    """The rule above bites."""
    assert INDEX_HOST.search("https:" + "//registry.example/packages")
    assert INDEX_HOST.search("https:" + "//packages.example/simple/")
    assert INDEX_OPTION.search("pip install --index-" + "url x")
    assert not INDEX_HOST.search("https://json-schema.org/draft/2020-12/schema")


def test_the_lock_and_the_project_name_no_address() -> None:
    """A lock with addresses works on the machine it was made on."""
    problems = lines_with(re.compile("://"), [ROOT / name for name in PACKAGE_FILES])
    assert not problems, listing(problems, "make the lock with --no-emit-index-url")


def test_every_locked_package_has_a_hash() -> None:
    """A package of the same name from elsewhere is refused."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]

    problems = [line[:80] for line in pinned if "--hash=sha256:" not in line]
    assert not problems, listing(problems, "make the lock with --generate-hashes")


def test_no_file_names_this_checkout() -> None:
    """A path of one machine is wrong on every other."""
    if len(ROOT.parts) < 3:
        return
    problems = lines_with(re.compile(re.escape(str(ROOT)) + r"\b"), tracked_files())
    assert not problems, listing(problems, "write paths from the repository's root")
