"""The order in which servers are looked for is the same everywhere."""

import pytest

from danbao.servers.addresses import Addresses, Origin, Plan, make_plan

DSN, BOOTSTRAP = "postgresql://there", "there:9092"


@pytest.mark.parametrize(
    ("given", "mode", "has_docker", "expected"),
    [
        (Addresses(DSN, BOOTSTRAP), "", True, Plan(Origin.GIVEN, Origin.GIVEN)),
        (Addresses(DSN, ""), "", True, Plan(Origin.GIVEN, Origin.DOCKER)),
        (Addresses("", BOOTSTRAP), "", False, Plan(Origin.NATIVE, Origin.GIVEN)),
        (Addresses("", ""), "", True, Plan(Origin.DOCKER, Origin.DOCKER)),
        (Addresses("", ""), "", False, Plan(Origin.NATIVE, Origin.NATIVE)),
        (Addresses("", ""), "native", True, Plan(Origin.NATIVE, Origin.NATIVE)),
    ],
)
def test_given_comes_before_docker_and_docker_before_native(
    given: Addresses, mode: str, has_docker: bool, expected: Plan
) -> None:
    """An operator's address always wins; a machine without Docker needs no setting."""
    assert make_plan(given, mode, lambda: has_docker) == expected


@pytest.mark.parametrize(
    ("given", "mode"), [(Addresses(DSN, BOOTSTRAP), ""), (Addresses("", ""), "native")]
)
def test_docker_is_not_asked_when_its_answer_does_not_matter(given: Addresses, mode: str) -> None:
    """Asking costs time on every start."""

    def never() -> bool:
        raise AssertionError

    make_plan(given, mode, never)
