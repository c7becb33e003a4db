"""Canonical bodies: the same wish in other bytes is the same body (RFC 8785, I-JSON)."""

import base64
import json
from hashlib import sha256
from typing import Any

import msgspec
import rfc8785

from danbao.kernel.messages import CommandBody


class DuplicateKeyError(ValueError):
    """A JSON object has a key twice: two readers would see two wishes."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DuplicateKeyError(double)
    return made


def _no_constant(name: str) -> object:
    message = f"{name} is not JSON"
    raise ValueError(message)


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode_strictly = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant).decode


def parse_json(value: bytes) -> object:
    """Parse JSON strictly.

    What msgspec writes again to the very same bytes has lost nothing, so no key stands twice in it.
    All else, such as JSON with spaces, is read by the decoder that looks at every object.

    Raises:
        DuplicateKeyError: a key stands twice in one object.
        ValueError: not UTF-8, not JSON, or nested beyond reason.
    """
    try:
        data = _decode(value)
        if _encode(data) == value:
            return data
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        pass  # it is for the strict decoder to say what is wrong
    try:
        return _decode_strictly(value.decode())
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


def find_forbidden(value: object, path: str = "") -> str | None:
    """Give the path of the first text with U+0000 or a lone surrogate; None when all are fine."""
    if isinstance(value, str):
        bad = any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in value)
        return path or "data" if bad else None
    if isinstance(value, dict):
        for key, inner in value.items():
            if find_forbidden(key) or (found := find_forbidden(inner, f"{path}.{key}".strip("."))):
                return path or "data" if find_forbidden(key) else found
    if isinstance(value, list):
        for index, inner in enumerate(value):
            if found := find_forbidden(inner, f"{path}[{index}]"):
                return found
    return None


def canonical_body(
    *,
    command_type: str,
    partition_key: str,
    actor: str | None,
    data: object,
    raw: bytes,
    is_plain: bool,
) -> CommandBody:
    """Make the canonical body of a command.

    `is_plain` says that data was decoded into its type and holds no float, no integer beyond
    2^53 and only ASCII keys: then msgspec writes exactly what RFC 8785 asks, and much faster.
    Data that has no canonical form (a lone surrogate, say) is `{"data_base64": its bytes}`.
    """
    body: dict[str, Any] = {
        "actor": actor,
        "data": data,
        "partitionkey": partition_key,
        "type": command_type,
    }
    if is_plain:
        text = _encode_sorted(body)
    else:
        try:
            text = rfc8785.dumps(_as_doubles(body))
        except (rfc8785.CanonicalizationError, ValueError, RecursionError):
            body["data"] = {"data_base64": base64.b64encode(raw).decode()}
            text = rfc8785.dumps(body)
    return CommandBody(command_type, text.decode(), sha256(text).digest())


def _as_doubles(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Numbers are IEEE doubles in RFC 8785: integers beyond 2^53 become the double they mean."""
    if isinstance(value, dict):
        return {key: _as_doubles(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_doubles(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        try:
            return float(value)
        except OverflowError as error:
            message = "a number beyond any double"
            raise ValueError(message) from error
    return value
