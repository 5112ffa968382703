"""The master keys of an installation: encryption of personal data, blind indexes, Flask's secret key.

They live in one private file of the instance folder (JSON, mode 0600), made on the first start. Losing it means losing
the personal data; it is backed up apart from the database.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class KeyringError(RuntimeError):
    """The key file cannot be used, or the data was encrypted with keys it does not hold."""


class Keyring:
    """The keys in ``path``. A rotation by another process is noticed when a newer token turns up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._load()

    @classmethod
    def load_or_create(cls, path: str | os.PathLike[str]) -> Keyring:
        """The keyring in ``path``, made now when there is none; processes that start together agree on one.

        Raises :class:`KeyringError` when the file is readable by others, or is no key file.
        """
        file = Path(path)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            keys = {
                "encryption": [Fernet.generate_key().decode()],
                "index": secrets.token_hex(32),
                "secret_key": secrets.token_hex(32),
            }
            with _private_file(file, keys) as complete:
                try:
                    os.link(complete, file)  # unlike a rename, never replaces keys that another process has made
                except FileExistsError:
                    pass
        return cls(file)

    def encrypt(self, text: str) -> str:
        """``text`` as a token under the newest key; two tokens of one text differ."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text of a token made with any key of the ring. Raises :class:`KeyringError` for a foreign token."""
        return self._reading(lambda fernet: fernet.decrypt(token.encode())).decode()

    def reencrypt(self, token: str) -> str:
        """The same text under the newest key."""
        return self._reading(lambda fernet: fernet.rotate(token.encode())).decode()

    def blind_index(self, kind: str, normalised: str) -> str:
        """A keyed hash (64 hex digits) to find equal values of one ``kind`` without reading them.

        Its key never changes, so stored hashes outlive a rotation.
        """
        return hmac.new(self._index_key, f"{kind}\0{normalised}".encode(), hashlib.sha256).hexdigest()

    def rotate(self) -> None:
        """Put a new encryption key on the ring; the old ones stay for reading."""
        with _locked(self.path.parent):
            keys = self._load()
            keys["encryption"] = [Fernet.generate_key().decode(), *keys["encryption"]]
            with _private_file(self.path, keys) as complete:
                os.replace(complete, self.path)
            self._load()

    def _reading(self, read: Callable[[MultiFernet], bytes]) -> bytes:
        try:
            return read(self._fernet)
        except InvalidToken:
            self._load()
        try:
            return read(self._fernet)
        except InvalidToken:
            raise KeyringError(f"No key in {self.path} fits this data; was another key file in use?") from None

    def _load(self) -> dict:
        with self.path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyringError(f"Other users can read the key file {self.path}; run: chmod 600 {self.path}")
            try:
                keys = json.load(file)
                self._fernet = MultiFernet([Fernet(key) for key in keys["encryption"]])
                self._index_key = bytes.fromhex(keys["index"])
                self.secret_key: str = keys["secret_key"]
            except (ValueError, KeyError, TypeError):
                raise KeyringError(f"{self.path} is no key file; restore it from the backup") from None
        return keys


@contextmanager
def _private_file(beside: Path, keys: dict) -> Iterator[Path]:
    """A complete file with the keys, mode 0600, in the folder of ``beside``; gone afterwards unless moved."""
    handle, name = mkstemp(prefix=f".{beside.name}.", dir=beside.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(keys, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
        folder = os.open(beside.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


_current: Keyring | None = None


def use_keyring(keyring: Keyring) -> None:
    """Make ``keyring`` the one of this process; ``create_app`` does it once."""
    global _current
    _current = keyring


def current_keyring() -> Keyring:
    """The keyring of this process."""
    if _current is None:
        raise KeyringError("No keyring is in use yet; create_app() sets it")
    return _current
