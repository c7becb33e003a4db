"""A payment product is one name in few places (style 2.2); none of them may be missing."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from tests.tidy.checkout import PACKAGE, ROOT, listing

from danbao.contracts.catalogue import SERVICES
from danbao.contracts.decider import AnyDecider
from danbao.ledger.rules import RULES
from danbao.schemas.services import all_services

PLURAL = {"policy"}
"""Categories whose decider every service makes anew; it lives in contracts."""


def decider_modules() -> Iterator[tuple[str, str, AnyDecider]]:
    """Service, module and decider of every module that has one."""
    for service in SERVICES:
        for found in iter_modules([str(PACKAGE / service)]):
            module = import_module(f"danbao.{service}.{found.name}")
            decider = getattr(module, "decider", None)
            if decider is not None:
                yield service, found.name, decider


def test_every_decider_is_listed_in_its_service() -> None:
    """A decider that service.py does not name decides nothing."""
    listed = {id(decider) for service in all_services() for decider in service.deciders}

    problems = [
        f"danbao/{service}/{module}.py"
        for service, module, decider in decider_modules()
        if id(decider) not in listed
    ]
    assert not problems, listing(problems, "add its decider to service.py")


def test_every_decider_has_a_unit_test_file() -> None:
    """What a stream promises is written down where its service's tests lie."""
    problems = [
        f"tests/unit/{service}/test_{module}*.py"
        for service, module, _ in decider_modules()
        if not list((ROOT / "tests/unit" / service).glob(f"test_{module}*.py"))
    ]
    assert not problems, listing(problems, "write given/when/then tests for the decider")


def test_every_stream_that_moves_money_has_its_own_posting_rules() -> None:
    """Who asks what an event does to the books opens the file named as the decider's module."""
    modules = {
        event: module for _, module, decider in decider_modules() for event in decider.events
    }

    problems = [
        f"{event.__name__}: rule in {rule.__module__}, expected ledger/postings/{modules[event]}.py"
        for event, rule in RULES.items()
        if rule.__module__ != f"danbao.ledger.postings.{modules[event]}"
    ]
    assert not problems, listing(problems, "move the rule to the file of its stream")


def test_every_file_of_posting_rules_is_in_use() -> None:
    """Rules that ledger/rules.py does not name post nothing."""
    used = {rule.__module__.rsplit(".", 1)[-1] for rule in RULES.values()}
    files = {found.name for found in iter_modules([str(PACKAGE / "ledger" / "postings")])}

    problems = [f"ledger/postings/{name}.py" for name in sorted(files - used)]
    assert not problems, listing(problems, "add its RULES to ledger/rules.py")


def test_every_category_of_streams_has_one_owner() -> None:
    """Two services that write one stream would not see each other's state."""
    owners: dict[str, list[str]] = {}
    for service in all_services():
        for decider in service.deciders:
            owners.setdefault(decider.category, []).append(service.name)

    problems = [
        f"{category}/: {', '.join(names)}"
        for category, names in owners.items()
        if len(names) > 1 and category not in PLURAL
    ]
    assert not problems, listing(
        problems, "give the stream to one service, share facts with others"
    )
