"""Passwords: which are accepted, how they are stored and checked."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _

MINIMUM = 10
"""Fewest characters of a password."""

COMMON = frozenset(
    "0123456789 1234567890 12345678910 0987654321 1111111111 0000000000 1234512345 1122334455 9876543210 "
    "qwertyuiop qwerty1234 qwerty12345 1q2w3e4r5t 1qaz2wsx3edc asdfghjkl; abcdefghij abcd123456 abc1234567 aa12345678 "
    "password12 password123 password1234 passw0rd123 password2024 password2025 password2026 administrator "
    "admin12345 admin123456 admin1234567 welcome123 welcome1234 changeme123 iloveyou123 iloveyou1314 "
    "woaini1314 woaini520520 woaini5201314 5201314520 13145201314 a123456789 a1234567890 qq123456789 "
    "wuye123456 guanjia123 guanjia1234 guanjia123456 guanjia2026 wangguanjia".split()
)
"""The passwords tried first by those who guess; compared in lower case."""

# OWASP's second choice for argon2id: 19 MiB and two passes, so that several logins at once fit a small server.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def password_fits(stored: str | None, password: str) -> bool:
    """Tell whether ``password`` is the one behind ``stored``; takes the same time when there is no such account."""
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """The hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def objection(password: str, username: str) -> str | None:
    """Why ``password`` is not accepted for the account, as a sentence; nothing when it is."""
    if len(password) < MINIMUM:
        return _("The password needs at least %(count)s characters.", count=MINIMUM)
    if len(password) > 200:
        return _("The password is too long.")
    plain = password.lower()
    if plain in COMMON or len(set(plain)) < 4 or (username and username.lower() in plain):
        return _("This password is too easy to guess. Choose another one.")
    return None
