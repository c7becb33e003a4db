"""The keys of a home: one private key for each log, and every public key that ever signed.

`keys/<incarnation>.<shard>.private` signs and is for its owner alone; `keys/<id>.public` is for
everybody and stays when the key is replaced, so that what it signed can be checked for ever.
`keys/<id>.handover` is a note, signed by the key before, that says which key comes after it.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from danbao.proofs.errors import MalformedError
from danbao.proofs.note import KEY_BYTES, PrivateKey, PublicKey, parse_private, parse_public
from danbao.signing.errors import KeyExistsError, KeyMissingError, KeyUnsafeError

FOLDER = "keys"
OWNER_ONLY = 0o600
FOLDER_MODE = 0o700
OTHERS = 0o077


def log_name(incarnation: UUID, shard: int = 0) -> str:
    """The name under which a log is signed: the origin of its checkpoints."""
    return f"danbao/{incarnation}/{shard}"


def is_of_log(name: str, log: str) -> bool:
    """Tell whether a name is that of a log, or of a later history of it."""
    return name == log or name.startswith(f"{log}/")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key of this home."""

    key: PublicKey
    is_active: bool
    """It signs; others only verify."""
    path: Path


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The folder of keys in a home."""

    home: Path

    @property
    def path(self) -> Path:
        """Where the keys are."""
        return self.home / FOLDER

    def private(self, incarnation: UUID) -> PrivateKey:
        """The key that signs a log.

        Raises:
            KeyMissingError: there is none.
            KeyUnsafeError: others may read it, or it is none.
        """
        path = self._private_path(incarnation)
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            message = f"no key in {self.path} signs the log {log_name(incarnation)}"
            raise KeyMissingError(message) from None
        if mode & OTHERS:
            raise KeyUnsafeError(f"{path} may be read by others than its owner")
        try:
            key = parse_private(text)
        except MalformedError as error:
            raise KeyUnsafeError(f"{path} holds no private key: {error}") from error
        if not is_of_log(key.public.name, log_name(incarnation)):
            raise KeyUnsafeError(f"{path} is the key of another log: {key.public.name}")
        return key

    def public(self) -> Sequence[KnownKey]:
        """Every public key of this home, those that sign first.

        Raises:
            KeyUnsafeError: a file is no public key.
        """
        active = {key.public.id for key in self._active()}
        known = []
        for path in sorted(self.path.glob("*.public")):
            try:
                key = parse_public(path.read_text(encoding="utf-8"))
            except MalformedError as error:
                raise KeyUnsafeError(f"{path} holds no public key: {error}") from error
            known.append(KnownKey(key, key.id in active, path))
        return sorted(known, key=lambda each: (not each.is_active, each.key.name, each.path))

    def generate(self, incarnation: UUID, *, is_new_history: bool = False) -> PublicKey:
        """Make the key of a log; with `is_new_history` under a name that was never used.

        Raises:
            KeyExistsError: there is one, and no new history is wanted.
        """
        name = log_name(incarnation)
        if is_new_history:
            used = {each.key.name for each in self.public()}
            number = 2
            while f"{name}/{number}" in used:
                number += 1
            name = f"{name}/{number}"
        elif (path := self._private_path(incarnation)).exists():
            raise KeyExistsError(f"{path} is there already")
        return self._keep(incarnation, _make(name)).public

    def rotate(self, incarnation: UUID) -> PublicKey:
        """Replace the key of a log; the old one signs which key comes after it, and is deleted.

        Raises:
            KeyMissingError: there is none.
            KeyUnsafeError: it cannot be used.
        """
        old = self.private(incarnation)
        new = _make(old.public.name)
        self._write(f"{new.public.id.hex()}.handover", old.sign(f"{new.public}\n"), 0o644)
        return self._keep(incarnation, new).public

    def handed_over_by(self, key: PublicKey) -> str | None:
        """The note in which an earlier key names this one; None when nobody did."""
        path = self.path / f"{key.id.hex()}.handover"
        return path.read_text(encoding="utf-8") if path.exists() else None

    def _active(self) -> list[PrivateKey]:
        found = []
        for path in self.path.glob("*.private"):
            try:
                found.append(parse_private(path.read_text(encoding="utf-8")))
            except MalformedError as error:
                raise KeyUnsafeError(f"{path} holds no private key: {error}") from error
        return found

    def _private_path(self, incarnation: UUID, shard: int = 0) -> Path:
        return self.path / f"{incarnation}.{shard}.private"

    def _keep(self, incarnation: UUID, key: PrivateKey) -> PrivateKey:
        """Public part first: whatever signs can be checked."""
        self._write(f"{key.public.id.hex()}.public", f"{key.public}\n", 0o644)
        self._write(self._private_path(incarnation).name, f"{key.secret_text()}\n", OWNER_ONLY)
        return key

    def _write(self, name: str, text: str, mode: int) -> None:
        """Write a file that is there in full, or not at all; never readable by more than `mode`."""
        self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        temporary = self.path / f".{name}.{secrets.token_hex(4)}"
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            os.write(file, text.encode())
            os.fsync(file)
        finally:
            os.close(file)
        temporary.replace(self.path / name)


def _make(name: str) -> PrivateKey:
    return PrivateKey.of_seed(name, secrets.token_bytes(KEY_BYTES))
