"""Personal data as shown to those who may not read it in full. Masks are one-way and of fixed length.

Licence plates are not masked: the gate reads them off the car.
"""

from __future__ import annotations

import re
from collections.abc import Callable

STARS = "****"


def mask_name(name: str) -> str:
    """张三丰 → ``张**``, Maria → ``M**``."""
    return f"{name.strip()[:1]}**" if name.strip() else ""


def mask_phone(stored: str) -> str:
    """``138****5678``, landline ``010****5678`` without its extension, abroad ``+852****4567``.

    A short service number such as 12345 belongs to nobody and stays. At least three digits are hidden.
    """
    number = stored.partition("-")[0]
    if len(number) <= 6:
        return number
    shown = 4 if number.startswith("+") else 3
    return number[:shown] + tail(number) if len(number) >= shown + 7 else tail(number)


def mask_id(number: str) -> str:
    """Citizen ID ``110105********002X``; of other documents the last four characters only."""
    if re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return f"{number[:6]}********{number[-4:]}"
    return tail(number)


def mask_id_tail(number: str) -> str:
    """``…002X``: what lists show."""
    return f"…{number[-4:]}" if len(number) > 6 else "…" if number else ""


def mask_bank(account: str) -> str:
    """``****1234``."""
    return tail(re.sub(r"\s", "", account))


def mask_email(address: str) -> str:
    """``z***@example.com``."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else tail(address)


def tail(text: str) -> str:
    """Stars and the last four characters, of a short text no character at all."""
    return f"{STARS}{text[-4:]}" if len(text) > 6 else STARS if text else ""


MASKS: dict[str, Callable[[str], str]] = {
    "name": mask_name,
    "phone": mask_phone,
    "id_number": mask_id,
    "id_tail": mask_id_tail,
    "bank_account": mask_bank,
    "email": mask_email,
}


def mask(kind: str, value: str | None) -> str:
    """``value`` masked as its ``kind`` (a key of :data:`MASKS`) wants it; nothing for no value."""
    return MASKS[kind](value.strip()) if value else ""
