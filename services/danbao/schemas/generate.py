"""The whole of what is generated: made, written, and compared with what lies in the checkout."""

from pathlib import Path
from typing import Final

from danbao.metrics.reference import reference_page
from danbao.schemas.asyncapi import asyncapi
from danbao.schemas.codes import codes
from danbao.schemas.currencies import currencies
from danbao.schemas.document import json_text
from danbao.schemas.envelope import envelope
from danbao.schemas.examples import FOLDER, example_paths, make_example, missing_examples
from danbao.schemas.kafka_acls import kafka_acls
from danbao.schemas.messages import message_schemas
from danbao.schemas.policies import policies
from danbao.schemas.readme import readme
from danbao.schemas.states.page import state_pages

OWNED: Final = ("schemas", "docs/states")
"""Folders in which every file is ours: what we did not make is stale."""
AMONG_OTHERS: Final = ("docs/reference/metrics.md", "infra/kafka/acls.yaml")
"""Files of ours in folders where people write, too."""


def generate() -> dict[str, str]:
    """Make every generated file: path below the repository's root -> text."""
    documents = {
        "asyncapi.json": asyncapi(),
        "codes.json": codes(),
        "currencies.json": currencies(),
        "envelope.json": envelope(),
        "policies.json": policies(),
        **message_schemas(),
    }
    texts = {f"schemas/{path}": json_text(document) for path, document in documents.items()}
    return {
        **texts,
        "schemas/README.md": readme(),
        **state_pages(),
        **reference_page(),
        **kafka_acls(),
    }


def write(root: Path) -> list[str]:
    """Write what differs, remove what is stale, add missing examples; gives the paths touched.

    An example that exists is never rewritten: records like it are in somebody's log.
    """
    files = generate()
    changed = verify(root, files)
    types = example_paths()
    for path in changed:
        target = root / path
        if path in files or path in types:
            target.parent.mkdir(parents=True, exist_ok=True)
            text = files[path] if path in files else make_example(types[path])
            target.write_text(text, encoding="utf-8")
        else:
            target.unlink()
    return changed


def verify(root: Path, files: dict[str, str] | None = None) -> list[str]:
    """Paths that differ from the code, are missing, or are stale."""
    files = generate() if files is None else files
    differing = [path for path, text in files.items() if _read(root / path) != text]
    stale = [path for path in _present(root) if path not in files]
    return sorted([*differing, *stale, *missing_examples(root)])


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _present(root: Path) -> list[str]:
    """Files in our folders; examples are apart, for they are never stale."""
    paths = [path for folder in OWNED for path in (root / folder).rglob("*") if path.is_file()]
    names = [path.relative_to(root).as_posix() for path in paths]
    return [name for name in names if not name.startswith(FOLDER + "/")]
