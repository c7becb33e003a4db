"""Arrays go to Postgres faster: asyncpg need not ask abstract classes what an array is.

It asks them of each element whether it is an array too, and of each array whether it has a size and
is no mapping.  They answer in Python: a tenth of a busy worker's time for the elements, and sixty
arrays of each batch besides.  All arrays of ours are lists, which C can tell.  Sets and other
iterables are refused as arguments then, and dicts as before.
"""

from collections.abc import Mapping
from typing import Final

from asyncpg.protocol import protocol

ARRAYS: Final = (list, tuple)
ASKED: Final[Mapping[str, object]] = {
    "IterableABC": ARRAYS,
    "SizedABC": ARRAYS,
    "MappingABC": dict,
}
"""The names under which asyncpg 0.30 to 0.32 keeps the classes that it asks; a name that it does
not have changes nothing."""


def quicken() -> None:
    """Let asyncpg take lists and tuples alone for arrays, in this process."""
    for name, answer in ASKED.items():
        if hasattr(protocol, name):
            setattr(protocol, name, answer)
