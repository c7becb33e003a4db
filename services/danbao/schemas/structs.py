"""JSON Schema (2020-12) of a struct, self-contained: what msgspec knows, made portable.

Three things differ from what msgspec gives: every object is closed, moments carry their format,
and patterns end in a plain `$`, which in JSON Schema's own dialect already means the very end
(the look-ahead of the code is for Python only, and Go or Rust would not compile it).
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from danbao.schemas.document import Json, sentence

_PYTHON_END = "(?!\\n)$"


def struct_schema(struct: type[msgspec.Struct]) -> Json:
    """Make the schema of a struct, with everything it refers to under `$defs`."""
    (reference,), components = msgspec.json.schema_components(
        [struct], schema_hook=_any_value, ref_template="#/$defs/{name}"
    )
    for found in _structs_in(inspect.type_info(struct)):
        _mark_moments(found, components[found.cls.__name__])
    body: Json = components.pop(reference["$ref"].rsplit("/", 1)[-1])
    if components:
        body["$defs"] = components
    portable: Json = _portable(body)
    return portable


def _any_value(kind: type) -> Json:
    """Schema of a field that may hold any JSON value."""
    if kind is object:
        return {"description": "any JSON value"}
    raise NotImplementedError


def _structs_in(info: inspect.Type) -> Iterator[inspect.StructType]:
    """The struct itself and every struct inside it."""
    match info:
        case inspect.StructType():
            yield info
            for field in info.fields:
                yield from _structs_in(field.type)
        case inspect.Metadata(type=inner) | inspect.CollectionType(item_type=inner):
            yield from _structs_in(inner)
        case inspect.UnionType():
            for option in info.types:
                yield from _structs_in(option)
        case _:
            return


def _mark_moments(struct: inspect.StructType, schema: Json) -> None:
    """Say of every moment that it is RFC 3339; the engine writes and reads no other."""
    for field in struct.fields:
        options = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        if not any(isinstance(option, inspect.DateTimeType) for option in options):
            continue
        written = schema["properties"][field.encode_name]
        for part in written.get("anyOf", [written]):
            if part.get("type") == "string":
                part["format"] = "date-time"


def _portable(value: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Close objects, put docstrings on one line, and leave Python's own patterns out."""
    if isinstance(value, list):
        return [_portable(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    made = {key: _portable(inner) for key, inner in value.items()}
    if isinstance(made.get("properties"), dict):
        made["additionalProperties"] = False
    if isinstance(made.get("description"), str):
        made["description"] = sentence(made["description"])
    if isinstance(made.get("pattern"), str):
        made["pattern"] = made["pattern"].replace(_PYTHON_END, "$")
    return made
