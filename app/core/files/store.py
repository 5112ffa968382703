"""The file store: a local folder with one file per content, named by the SHA-256 of the content and encrypted."""

from __future__ import annotations

import hashlib
import os
import secrets
from mmap import mmap
from pathlib import Path
from tempfile import mkstemp

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class StoreError(RuntimeError):
    """A stored file is missing, or is no longer what was stored."""


def new_key() -> str:
    """A fresh key for one content, in hex."""
    return secrets.token_hex(32)


def digest(data: bytes | mmap) -> str:
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, sha256: str, data: bytes | mmap, key: str) -> None:
    """Put ``data`` into the store; complete and on the disk, or not at all. An older file of the same name goes."""
    target = _path(folder, sha256)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    nonce = secrets.token_bytes(NONCE)
    handle, temporary = mkstemp(prefix=".", dir=target.parent)
    try:
        with open(handle, "wb") as file:
            file.write(nonce)
            file.write(AESGCM(bytes.fromhex(key)).encrypt(nonce, memoryview(data), sha256.encode()))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    parent = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def read(folder: Path, sha256: str, key: str) -> bytes:
    """The content ``sha256``. Raises :class:`StoreError` when it is gone or was changed on the disk."""
    try:
        stored = _path(folder, sha256).read_bytes()
        return AESGCM(bytes.fromhex(key)).decrypt(stored[:NONCE], stored[NONCE:], sha256.encode())
    except FileNotFoundError:
        raise StoreError(f"stored file {sha256} is missing") from None
    except InvalidTag:
        raise StoreError(f"stored file {sha256} was changed or belongs to another key") from None


def remove(folder: Path, sha256: str) -> None:
    """Take a content off the disk; one that is gone already is fine."""
    _path(folder, sha256).unlink(missing_ok=True)


def _path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256[2:4] / sha256
