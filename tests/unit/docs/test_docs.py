"""The pages agree with the code: links, commands, settings, examples."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import click
import pytest
import typer

from danbao.cli.main import make_app
from danbao.kernel.settings import PREFIX, Settings
from danbao.publisher import read_command_file

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = ROOT / "docs"
EXAMPLES: Final = DOCS / "examples"
TOP: Final = tuple(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING"))
PAGES: Final = (*TOP, ROOT / "infra" / "README.md", *sorted(DOCS.rglob("*.md")))

_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_IN_TEXT: Final = re.compile(r"`danbao ([^`]+)`")
_IN_SHELL: Final = re.compile(r"^(?:[A-Z_]+=\S+ )?danbao (.+)$", re.MULTILINE)
_NAME: Final = re.compile(r"[a-z][a-z-]*")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def links_of(page: Path) -> Iterator[tuple[str, Path]]:
    """The relative links of a page, each with the file it leads to."""
    for target in _LINK.findall(prose_of(page)):
        path = target.partition("#")[0]
        if "://" not in target and path:
            yield target, (page.parent / path).resolve()


def commands_on(page: Path) -> Iterator[str]:
    """What stands after `danbao` in text and in blocks of shell."""
    yield from _IN_TEXT.findall(prose_of(page))
    for language, block in _FENCE.findall(text_of(page)):
        if language in {"", "sh", "bash"}:
            yield from _IN_SHELL.findall(block)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """A dead link costs each reader a search."""
    dead = [target for target, path in links_of(page) if not path.exists()]

    assert not dead


def test_every_page_is_reached_from_the_start() -> None:
    """A page that nothing links to is not read."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md", DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page.suffix == ".md" and page.exists() and page not in reached:
            reached.add(page)
            waiting += [path for _, path in links_of(page)]

    assert [name_of(page) for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_one_title(page: Path) -> None:
    """A page is about one thing, and says which."""
    titles = re.findall(r"^# .+$", prose_of(page), re.MULTILINE)

    beginning = re.sub(r"\A<!--.*?-->\s*", "", text_of(page))
    assert len(titles) == 1
    assert beginning.startswith(titles[0])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_on_a_page_exists(page: Path) -> None:
    """What a reader types works: the command, its subcommand, its long options."""
    group = typer.main.get_command(make_app())
    wrong = [text for text in commands_on(page) if not is_command(group, text.split())]

    assert not wrong


def is_command(group: click.Command, words: list[str]) -> bool:
    """Tell whether a command line names what is there."""
    assert hasattr(group, "commands")
    command = group.commands.get(words[0])
    rest = words[1:]
    if command is None:
        return False
    if rest and _NAME.fullmatch(rest[0]) and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    return all(word in known for word in rest if word.startswith("--"))


def test_commands_are_recognised() -> None:
    """The rule above bites."""
    group = typer.main.get_command(make_app())

    assert is_command(group, ["dead-letters", "show", "1", "--json"])
    assert is_command(group, ["up", "--workers", "escrow=2"])
    assert not is_command(group, ["rewind"])
    assert not is_command(group, ["up", "--works"])


def test_every_command_is_on_some_page() -> None:
    """A command that no page names is found by nobody."""
    shown = {text.split()[0] for page in PAGES for text in commands_on(page)}
    group = typer.main.get_command(make_app())

    assert set(getattr(group, "commands", {})) - {"schemas"} <= shown


def test_every_setting_is_on_its_page_with_its_default() -> None:
    """Who looks a setting up finds it, and what it is when nothing is said."""
    rows = dict(
        re.findall(
            r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|",
            text_of(DOCS / "reference" / "settings.md"),
            re.MULTILINE,
        )
    )
    expected = {
        PREFIX + field.name.upper(): shown(getattr(Settings(), field.name))
        for field in fields(Settings)
    }

    assert rows == expected


def shown(value: object) -> str:
    """A default as the page writes it."""
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return f"`{value}`" if str(value) else "empty"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.jsonl")), ids=name_of)
def test_every_example_is_a_command_file(file: Path) -> None:
    """A reader publishes it as it is."""
    assert read_command_file(str(file))


def test_no_two_examples_share_a_command_id() -> None:
    """An id is answered once: a second example under it would do nothing."""
    lines = [
        json.loads(line) for file in EXAMPLES.glob("*.jsonl") for line in text_of(file).splitlines()
    ]
    ids = [line["id"] for line in lines if "type" in line]

    assert len(ids) == len(set(ids))


def test_the_program_of_the_readme_is_the_one_in_the_examples() -> None:
    """The one was run, the other is read."""
    blocks = [block for language, block in _FENCE.findall(text_of(TOP[0])) if language == "python"]

    assert blocks == [text_of(EXAMPLES / "publish.py")]
