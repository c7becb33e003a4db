"""What `danbao doctor` finds at the keys of a home."""

from pathlib import Path

from danbao.kernel.findings import Finding, Status
from danbao.signing.errors import KeyUnsafeError
from danbao.signing.keys import OTHERS, KeyFolder


def examine_keys(home: Path) -> Finding:
    """Look whether the keys of a home are there, and are nobody else's to read."""
    folder, name = KeyFolder(home), "signing keys"
    try:
        active = [each.key.id.hex() for each in folder.public() if each.is_active]
    except KeyUnsafeError as error:
        return Finding(name, Status.MISSING, str(error), error.todo, error.code)
    for path in folder.path.glob("*.private"):
        if path.stat().st_mode & OTHERS:
            detail = f"{path} may be read by others than its owner"
            todo, code = KeyUnsafeError.todo, KeyUnsafeError.code
            return Finding(name, Status.MISSING, detail, todo, code)
    if not active:
        return Finding(name, Status.OK, "none yet", "`danbao up` makes one at its first start.")
    return Finding(name, Status.OK, f"{', '.join(active)} in {folder.path}")
