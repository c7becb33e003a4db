"""What a proof promises to a stranger: it is good as it is, and worth nothing once it is changed.

Each case is asked twice: of the engine's own check, and of the stand-alone checker of docs/examples
that shares no line with it.
"""

import struct
from collections.abc import Callable, Iterator
from random import Random

import msgspec
import pytest
from tests.tidy.checkout import ROOT
from tests.unit.proofs.proved import (
    KEY,
    OTHER,
    consistency_proof,
    event_proof,
    proved,
    stand_alone,
    trade_proof,
)

from danbao.proofs.document import Proof, check_proof, read_proof, write_proof
from danbao.proofs.errors import ProofError
from danbao.proofs.note import parse_public

Check = Callable[[bytes, str], object]
REFUSALS = (ProofError, ValueError, LookupError, TypeError, AttributeError, struct.error)
PUBLIC = str(KEY.public)
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17]
PROOFS: list[Proof] = [
    event_proof(3, 5),
    trade_proof(2),
    consistency_proof(3, 5),
]
LINES_BELOW = 150


def own_check(raw: bytes, key: str) -> object:
    """The engine's check, as `danbao check-proof` asks it."""
    return check_proof(read_proof(raw), [parse_public(key)])


CHECKS = [pytest.param(own_check, id="engine"), pytest.param(stand_alone(), id="stand-alone")]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("size", SIZES)
def test_every_event_of_every_size_is_proved(check: Check, size: int) -> None:
    """1, powers of two, and their neighbours."""
    for position in range(1, size + 1):
        assert check(write_proof(event_proof(position, size)), PUBLIC)


@pytest.mark.parametrize("check", CHECKS)
def test_every_two_sizes_are_consistent(check: Check) -> None:
    """The empty log and the same log, too."""
    for new in SIZES[:9]:
        for old in range(new + 1):
            assert check(write_proof(consistency_proof(old, new)), PUBLIC)


@pytest.mark.parametrize("check", CHECKS)
def test_a_trade_is_proved(check: Check) -> None:
    """Signs that JSON may write in two ways are written in one."""
    assert check(write_proof(trade_proof(5)), PUBLIC)


def refuse(check: Check, raw: bytes) -> None:
    """Expect a refusal; there are many to expect."""
    try:
        check(raw, PUBLIC)
    except REFUSALS:
        return
    pytest.fail(f"accepted: {raw!r}")


def changed(raw: bytes) -> Iterator[bytes]:
    """A proof with each byte changed in its bits, cut out or doubled."""
    for place, byte in enumerate(raw):
        for other in (byte ^ 1, byte ^ 32):
            yield raw[:place] + bytes([other]) + raw[place + 1 :]
        yield raw[:place] + raw[place + 1 :]
        yield raw[:place] + bytes([byte]) + raw[place:]


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("proof", PROOFS, ids=["event", "trade", "consistency"])
def test_changing_any_byte_is_found(check: Check, proof: Proof) -> None:
    """Whoever checks sees exactly what was signed, or nothing."""
    for raw in changed(write_proof(proof)):
        refuse(check, raw)


@pytest.mark.slow
@pytest.mark.parametrize(("check", "tries"), [(own_check, 32), (stand_alone(), 8)])
def test_any_byte_of_a_small_proof_may_become_many_others(check: Check, tries: int) -> None:
    """Changes of each byte, drawn once; fewer of the signature, which takes longest to check."""
    raw = write_proof(event_proof(1, 1))
    signature = raw.index(b"\xe2\x80\x94")
    random = Random(7)
    for place, byte in enumerate(raw):
        others = [other for other in range(256) if other != byte]
        for other in random.sample(others, tries if place < signature else 2):
            refuse(check, raw[:place] + bytes([other]) + raw[place + 1 :])


def replaced(proof: Proof, **fields: object) -> bytes:
    """A proof with other fields, written as proofs are."""
    return write_proof(msgspec.structs.replace(proof, **fields))


GOOD, TRADE = event_proof(3, 5), trade_proof(5)
[ROW] = GOOD.events
PATH = ROW.path
CONSISTENT = consistency_proof(3, 7)
FORGED = {
    "another row": replaced(GOOD, events=(msgspec.structs.replace(ROW, data="{}"),)),
    "another time": replaced(
        GOOD, events=(msgspec.structs.replace(ROW, recorded_at="2026-01-05T00:00:00.000009Z"),)
    ),
    "a time written otherwise": replaced(
        GOOD, events=(msgspec.structs.replace(ROW, recorded_at="2026-01-05T00:00:00.000003+00:00"),)
    ),
    "another position": replaced(GOOD, about=4, events=(msgspec.structs.replace(ROW, position=4),)),
    "about another event": replaced(GOOD, about=4),
    "a path cut short": replaced(GOOD, events=(msgspec.structs.replace(ROW, path=PATH[:-1]),)),
    "a path that goes on": replaced(
        GOOD, events=(msgspec.structs.replace(ROW, path=(*PATH, PATH[0])),)
    ),
    "a path in another order": replaced(
        GOOD, events=(msgspec.structs.replace(ROW, path=PATH[::-1]),)
    ),
    "the checkpoint of another size": replaced(GOOD, checkpoint=event_proof(3, 6).checkpoint),
    "another signer of the same name": write_proof(event_proof(3, 5, OTHER)),
    "no event": replaced(GOOD, events=()),
    "an event twice": replaced(TRADE, events=(*TRADE.events, TRADE.events[-1])),
    "events in another order": replaced(TRADE, events=TRADE.events[::-1]),
    "an event of the trade left out": replaced(TRADE, events=TRADE.events[1:]),
    "another trade": replaced(TRADE, about="T-2"),
    "none of its own events": replaced(TRADE, events=(proved(3, 5),)),
    "another format": replaced(GOOD, format="danbao-proof/2"),
    "old and new swapped": replaced(CONSISTENT, old=CONSISTENT.new, new=CONSISTENT.old),
    "no path": replaced(CONSISTENT, path=()),
    "a path that is too short": replaced(CONSISTENT, path=CONSISTENT.path[:-1]),
    "a path that is too long": replaced(CONSISTENT, path=(*CONSISTENT.path, PATH[0])),
    "nodes swapped": replaced(
        CONSISTENT, path=(CONSISTENT.path[1], CONSISTENT.path[0], *CONSISTENT.path[2:])
    ),
    "a field more": write_proof(GOOD).replace(b'"about":3', b'"about":3,"more":0'),
    "a field twice": write_proof(GOOD).replace(b'"about":3', b'"about":3,"about":3'),
    "a field missing": write_proof(GOOD).replace(b'"about":3,', b""),
    "true for one": write_proof(event_proof(1, 1)).replace(b'"about":1', b'"about":true'),
    "a float": write_proof(GOOD).replace(b'"about":3', b'"about":3.0'),
    "no JSON": b"proof",
    "nothing": b"",
    "nested without end": b"[" * 100_000,
    "not UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("raw", FORGED.values(), ids=FORGED)
def test_what_is_forged_is_refused(check: Check, raw: bytes) -> None:
    """Good JSON, wrong claim: the cases of public transparency logs, and some of ours."""
    with pytest.raises((*REFUSALS, RecursionError)):
        check(raw, PUBLIC)


@pytest.mark.parametrize("check", CHECKS)
def test_a_key_that_did_not_sign_accepts_nothing(check: Check) -> None:
    """The one thing that a checker must bring along is the right key."""
    for proof in PROOFS:
        with pytest.raises(REFUSALS):
            check(write_proof(proof), str(OTHER.public))


def test_the_stand_alone_checker_is_short_and_needs_nothing_but_python() -> None:
    """Somebody has to read it, or it is one more thing to trust."""
    text = (ROOT / "docs" / "examples" / "check_proof.py").read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert len(text.splitlines()) < LINES_BELOW
    assert imports == [
        "import base64, json, struct, sys",
        "from datetime import datetime, timedelta",
        "from hashlib import sha256, sha512",
    ]
