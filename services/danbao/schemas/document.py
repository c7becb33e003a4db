"""JSON documents as text: one way to write them, so that a difference is always a change."""

import json
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_text(document: Json) -> str:
    """Write a document: sorted keys, two spaces, a newline at the end."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def sentence(docstring: str | None) -> str:
    """The whole docstring on one line."""
    return " ".join((docstring or "").split())


def first_sentence(docstring: str | None) -> str:
    """What a docstring says first, without its full stop."""
    paragraph = (docstring or "").split("\n\n", 1)[0]
    return sentence(paragraph).split(".  ")[0].split(". ")[0].removesuffix(".")
