"""The page of faults names tests that exist, and leaves none of the fault suite out."""

import re

from tests.tidy.checkout import ROOT, listing

PAGE = ROOT / "docs" / "reference" / "faults.md"
NAMED = re.compile(r"`(test_[a-z0-9_]+)`")
DEFINED = re.compile(r"^(?:async )?def (test_[a-z0-9_]+)\(", re.MULTILINE)


def defined_in(folder: str) -> set[str]:
    """The names of all tests below a folder."""
    files = (ROOT / "tests" / folder).rglob("test_*.py")
    return {name for path in files for name in DEFINED.findall(path.read_text())}


def test_every_promise_on_the_page_has_a_test() -> None:
    """A promise that nothing holds the engine to is a wish."""
    named = set(NAMED.findall(PAGE.read_text()))
    gone = named - defined_in("faults") - defined_in("integration")
    assert not gone, listing(sorted(gone), "rename it on docs/reference/faults.md too")


def test_every_fault_that_is_tried_is_on_the_page() -> None:
    """Who reads the page must be able to tell what is not tried."""
    missing = defined_in("faults") - set(NAMED.findall(PAGE.read_text()))
    assert not missing, listing(sorted(missing), "add it to docs/reference/faults.md")
