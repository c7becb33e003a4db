r"""Canonical JSON by RFC 8785, written here so that the audit trusts no library of the engine.

Strings: only `"`, `\` and U+0000..U+001F are escaped, the latter as `\b \t \n \f \r` or
`\u00xx` with lower-case digits (RFC 8785, 3.2.2.2). Numbers follow ECMAScript (3.2.2.3).
Object members are sorted by their UTF-16 code units (3.2.3).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

SAFE_INTEGER_MAX: Final = 2**53 - 1

_LITERALS: Final = {None: "null", True: "true", False: "false"}
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_PARTICULAR: Final = re.compile(r"[0-9][.eE]|[0-9]{16}|[\ud800-\U0010ffff]")
_SHORT: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_PLAIN_DIGITS_MAX: Final = 21
_PLAIN_ZEROS_MAX: Final = 6

_write_plainly: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True
).encode


class NotCanonicalError(ValueError):
    """The value has no canonical form: a number that a double cannot hold exactly."""


def string(text: str) -> str:
    """Write one string as RFC 8785 does."""
    if not _ESCAPED.search(text):
        return f'"{text}"'
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    if _CONTROL.search(text):
        text = _CONTROL.sub(_control, text)
    return f'"{text}"'


def canonical(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Write any JSON value as RFC 8785 does."""
    match value:
        case None | bool():
            return _LITERALS[value]
        case str():
            return string(value)
        case int():
            return _integer(value)
        case float():
            return _number(value)
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case dict():
            members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
            return f"{{{','.join(f'{string(k)}:{canonical(v)}' for k, v in members)}}}"
        case _:
            raise NotCanonicalError(value)


def is_canonical(text: str, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Say whether a text is the canonical form of the value it was read as.

    RFC 8785 has its own way with fractions, long integers and the order of letters beyond
    U+D7FF. Most texts have none of them; for those the standard library, told to sort names
    and to leave out spaces, writes the same, and several times as fast.
    """
    if not _PARTICULAR.search(text):
        return _write_plainly(value) == text
    return canonical(value) == text


def parse(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON, refusing a name that occurs twice in one object ("Envelope")."""
    return json.loads(text, object_pairs_hook=_members)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        message = "a name occurs twice in one object"
        raise ValueError(message)
    return members


def _control(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def _integer(value: int) -> str:
    if abs(value) > SAFE_INTEGER_MAX:
        raise NotCanonicalError(value)
    return str(value)


def _number(value: float) -> str:
    """Write a double as ECMAScript's Number::toString: shortest digits, then its layout."""
    if not math.isfinite(value):
        raise NotCanonicalError(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    return sign + _laid_out(digits, point)


def _laid_out(digits: str, point: int) -> str:
    """Place the decimal point: `0.digits x 10^point`, in the four layouts of ECMAScript."""
    if len(digits) <= point <= _PLAIN_DIGITS_MAX:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _PLAIN_DIGITS_MAX:
        return f"{digits[:point]}.{digits[point:]}"
    if -_PLAIN_ZEROS_MAX < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
