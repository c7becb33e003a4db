"""Names that say nothing are not names (style 4.1)."""

from typing import Final

from tests.tidy.checkout import listing, name_of, python_files

EMPTY_NAMES: Final = frozenset({"base", "common", "helper", "helpers", "manager", "util", "utils"})


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A drawer called `utils` fills up with everything."""
    problems = [
        name_of(path)
        for path in python_files("services", "tests")
        if EMPTY_NAMES & {path.stem, path.parent.name}
    ]
    assert not problems, listing(problems, "name the module by the thing that it is about")
