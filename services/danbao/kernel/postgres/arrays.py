"""Arrays go to Postgres faster: asyncpg need not ask of every element whether it is an array.

It asks by Python's abstract classes, which answer in Python: a tenth of a busy worker's time.  All
arrays of ours are lists, which C can tell.  Sets and other iterables are refused as arguments then.
"""

from typing import Final

from asyncpg.protocol import protocol

ARRAYS: Final = (list, tuple)
ASKED: Final = "IterableABC"
"""The name under which asyncpg 0.30 to 0.32 keeps the class that it asks; else nothing changes."""


def quicken() -> None:
    """Let asyncpg take lists and tuples alone for arrays, in this process."""
    if hasattr(protocol, ASKED):
        setattr(protocol, ASKED, ARRAYS)
