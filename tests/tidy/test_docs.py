"""Pages can be found, links lead somewhere, and decisions have one form (style 4.38, 4.39)."""

import re
from pathlib import Path
from typing import Final

import pytest
from tests.tidy.checkout import ROOT, listing, name_of

DOCS: Final = ROOT / "docs"
ADR_PARTS: Final = ("Context", "Decision", "Consequences", "What would change our mind")
_LINK: Final = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def pages() -> list[Path]:
    return sorted([*DOCS.rglob("*.md"), *(ROOT / "schemas").glob("*.md"), ROOT / "README.md"])


def links_of(page: Path) -> list[Path]:
    """The files of ours that a page links to."""
    targets = [target for target, _ in _LINK.findall(page.read_text(encoding="utf-8"))]
    return [(page.parent / target).resolve() for target in targets if "://" not in target]


def test_every_link_leads_to_a_file() -> None:
    """A dead link costs each reader a search."""
    problems = [
        f"{name_of(page)}: {target}"
        for page in pages()
        for target in links_of(page)
        if not target.exists()
    ]
    assert not problems, listing(problems, "mend the link")


def test_every_page_is_reached_from_the_start() -> None:
    """A page that nothing links to is not read."""
    starts = [ROOT / "README.md", DOCS / "README.md"]
    if not starts[1].exists():
        pytest.skip("docs/README.md is not written yet")
    reached: set[Path] = set()
    waiting = list(starts)
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            waiting += links_of(page)

    problems = [name_of(page) for page in DOCS.rglob("*.md") if page not in reached]
    assert not problems, listing(problems, "link it from README.md, docs/README.md or an index")


def adrs() -> list[Path]:
    return sorted((DOCS / "adr").glob("[0-9]*.md"))


def test_a_decision_has_its_four_parts() -> None:
    """Who doubts a decision finds why it was taken, and what would undo it."""
    problems = [
        name_of(page)
        for page in adrs()
        if tuple(re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE))
        != ADR_PARTS
    ]
    assert not problems, listing(problems, f"give it the parts {', '.join(ADR_PARTS)}")


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    """A number is a name for ever; the index has them all."""
    index = links_of(DOCS / "adr" / "README.md")

    numbers = [int(page.name[:4]) for page in adrs()]
    assert numbers == list(range(1, len(numbers) + 1))
    problems = [name_of(page) for page in adrs() if page not in index]
    assert not problems, listing(problems, "add it to docs/adr/README.md")
