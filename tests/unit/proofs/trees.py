"""The reference: trees as RFC 6962 defines them, by recursion, and the public test vectors.

Leaves and roots are those of the Certificate Transparency test suites.
"""

from collections.abc import Sequence
from hashlib import sha256

ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [sha256(b"\x00" + entry).digest() for entry in ENTRIES]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
"""Root of the tree of so many leaves."""

SIZE_MAX = 200
MANY = [sha256(b"\x00" + str(number).encode()).digest() for number in range(SIZE_MAX)]
SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200]
"""0, 1, powers of two, and their neighbours."""


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = half(len(leaves))
    return sha256(b"\x01" + tree_hash(leaves[:middle]) + tree_hash(leaves[middle:])).digest()


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = half(len(leaves))
    if index < middle:
        return [*path_of(index, leaves[:middle]), tree_hash(leaves[middle:])]
    return [*path_of(index - middle, leaves[middle:]), tree_hash(leaves[:middle])]


def proof_between(old: int, leaves: Sequence[bytes], *, is_whole: bool = True) -> list[bytes]:
    """RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if is_whole else [tree_hash(leaves)]
    middle = half(len(leaves))
    if old <= middle:
        path = proof_between(old, leaves[:middle], is_whole=is_whole)
        return [*path, tree_hash(leaves[middle:])]
    return [
        *proof_between(old - middle, leaves[middle:], is_whole=False),
        tree_hash(leaves[:middle]),
    ]


def half(size: int) -> int:
    """The largest power of two below a size."""
    width = 1
    while width * 2 < size:
        width *= 2
    return width
