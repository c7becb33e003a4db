"""What is generated agrees with the code, and stays in its own folders."""

import json
from pathlib import Path

import pytest
from tests.unit.schemas.checkout import ROOT

from danbao.schemas import generate
from danbao.schemas.examples import example_paths


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return generate.generate()


def test_what_lies_in_the_checkout_is_what_the_code_makes(files: dict[str, str]) -> None:
    """Nobody reads a schema that the engine does not keep."""
    assert generate.verify(ROOT, files) == [], "run `make schemas` and commit the result"


def test_generating_twice_gives_the_same(files: dict[str, str]) -> None:
    """A difference in a review is always a change of the contract."""
    again = generate.generate()

    assert again == files


def test_json_is_sorted_with_two_spaces_and_a_final_newline(files: dict[str, str]) -> None:
    """Files are made to be compared by line."""
    for path, text in files.items():
        if path.endswith(".json"):
            made = json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False)
            assert text == made + "\n", path


def test_only_owned_folders_are_written(files: dict[str, str]) -> None:
    """Writing can never touch what a person wrote."""
    folders = tuple(f"{folder}/" for folder in generate.OWNED)

    elsewhere = {path for path in files if not path.startswith(folders)}

    assert elsewhere == set(generate.AMONG_OTHERS)
    assert all(path.startswith(folders) for path in example_paths())


def test_write_makes_everything_and_then_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    """A second run finds nothing to do."""
    first = generate.write(tmp_path)

    assert set(first) == {*files, *example_paths()}
    assert generate.write(tmp_path) == []


def test_write_removes_what_the_code_no_longer_makes(tmp_path: Path) -> None:
    """A schema of a message that does not exist would be a lie."""
    generate.write(tmp_path)
    stale = tmp_path / "schemas/commands/escrow/dance_trade.v1.json"
    stale.write_text("{}")

    assert generate.verify(tmp_path) == ["schemas/commands/escrow/dance_trade.v1.json"]
    generate.write(tmp_path)
    assert not stale.exists()


def test_write_never_touches_an_example(tmp_path: Path) -> None:
    """A record like the example is in somebody's log; it must decode for ever as it is."""
    generate.write(tmp_path)
    example = tmp_path / "schemas/examples/commands/escrow/create_trade.v1.json"
    retired = tmp_path / "schemas/examples/commands/escrow/create_trade.v0.json"
    example.write_text("frozen")
    retired.write_text("frozen too")

    assert generate.write(tmp_path) == []
    assert example.read_text() == "frozen"
    assert retired.read_text() == "frozen too"


def test_verify_names_what_differs_and_what_is_missing(tmp_path: Path) -> None:
    """Who changed the contract is told which files to look at."""
    generate.write(tmp_path)
    (tmp_path / "schemas/codes.json").write_text("{}")
    (tmp_path / "docs/states/trade.md").unlink()

    assert generate.verify(tmp_path) == ["docs/states/trade.md", "schemas/codes.json"]
