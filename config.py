"""Settings of one installation, read once from ``GUANJIA_*`` environment variables.

An unknown ``GUANJIA_*`` name or an unusable value raises :class:`SettingsError`, whose text is one line
that says what to correct; ``run.py`` prints it and stops.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
PREFIX = "GUANJIA_"


class SettingsError(ValueError):
    """A setting cannot be used; the message is meant for the person who starts the program."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting with its default. Names are the environment names without ``GUANJIA_``, in lower case."""

    instance_dir: Path = ROOT / "instance"
    """Private folder: keys, the embedded database, stored files, logs."""
    database_url: str = ""
    """SQLAlchemy address of the database; empty means the embedded SQLite file in the instance folder."""
    public_url: str = ""
    """Address at which people reach this installation, printed in the QR code of papers; empty means host and port."""
    host: str = "127.0.0.1"
    port: int = 8080
    web_processes: int = 2
    web_threads: int = 4
    workers: int = 1
    """Background worker processes that the server starts and keeps running."""
    job_lease_seconds: int = 60
    """After so long without a sign of life the work of a dead worker is taken over by another."""
    job_days: int = 90
    """Days after which ended background work is removed together with its files."""
    render_megabytes: int = 1024
    """Address space that laying out one paper may use, in MiB."""
    render_cpu_seconds: int = 30
    """Processor time that laying out one paper may take."""
    render_seconds: int = 60
    """Time that laying out one paper may take altogether."""
    language: str = "zh"
    """Language of people who have not chosen one: ``zh`` or ``en``."""
    time_zone: str = "Asia/Shanghai"
    """Zone in which times are shown and days begin."""
    demo: bool = False
    """Show the demo accounts on the login page and allow ``demo load``."""
    session_hours: int = 12
    secure_cookies: bool = False
    """Send cookies over HTTPS only; switch on behind a TLS proxy."""
    trusted_proxies: int = 0
    """Number of reverse proxies in front whose X-Forwarded-* headers are believed."""
    upload_megabytes: int = 20
    smtp_host: str = ""
    """Mail server through which e-mail is sent; empty means no e-mail."""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    """``starttls``, ``tls`` (encrypted from the start, usually port 465) or ``none``."""
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    smtp_from: str = ""
    """Address in the From line of e-mail."""
    webhook_private_hosts: str = ""
    """Hosts, separated by commas, that webhooks may reach although they are in a private network or speak plain HTTP."""

    def __post_init__(self) -> None:
        if not self.public_url:
            host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 (read, not bound)
            object.__setattr__(self, "public_url", f"http://{host}:{self.port}")

    @property
    def database_address(self) -> str:
        return self.database_url or f"sqlite:///{self.instance_dir / 'guanjia.sqlite3'}"

    @property
    def files_dir(self) -> Path:
        """Folder of the content-addressed file store."""
        return self.instance_dir / "files"

    @property
    def private_hosts(self) -> frozenset[str]:
        """Hosts that webhooks may reach inside a private network."""
        return frozenset(host.strip().lower() for host in self.webhook_private_hosts.split(",") if host.strip())

    @property
    def keys_file(self) -> Path:
        """Private file that holds the encryption, index and cookie keys."""
        return self.instance_dir / "keys.json"

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for a process started with them."""
        return {PREFIX + f.name.upper(): _text(getattr(self, f.name)) for f in fields(self)}


def _text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environment`` (default: the process environment).

    Raises:
        SettingsError: an unknown name, or a value of the wrong kind.
    """
    given = {k[len(PREFIX) :].lower(): v for k, v in (environment or os.environ).items() if k.startswith(PREFIX)}
    given = {k: v for k, v in given.items() if not k.startswith("test_")}
    known = {f.name: f for f in fields(Settings)}
    for name in sorted(given.keys() - known.keys()):
        raise SettingsError(f"Unknown setting {PREFIX}{name.upper()}. Known settings: {', '.join(_names(known))}.")
    settings = Settings(**{name: _value(name, known[name].type, text) for name, text in given.items()})
    _check(settings)
    return settings


def _names(known: Mapping[str, object]) -> list[str]:
    return [PREFIX + name.upper() for name in known]


def _value(name: str, kind: object, text: str) -> Any:
    text = text.strip()
    if kind == "int":
        if not text.isdigit():
            raise SettingsError(f"{PREFIX}{name.upper()} must be a whole number, not “{text}”.")
        return int(text)
    if kind == "bool":
        if text.lower() not in {"0", "1", "true", "false", "yes", "no", ""}:
            raise SettingsError(f"{PREFIX}{name.upper()} must be yes or no, not “{text}”.")
        return text.lower() in {"1", "true", "yes"}
    if kind == "Path":
        return Path(text).expanduser().resolve()
    return text


def _check(settings: Settings) -> None:
    if settings.language not in {"zh", "en"}:
        raise SettingsError(f"GUANJIA_LANGUAGE must be zh or en, not “{settings.language}”.")
    if not settings.database_address.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingsError("GUANJIA_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://.")
    if urlsplit(settings.public_url).scheme not in {"http", "https"}:
        raise SettingsError("GUANJIA_PUBLIC_URL must begin with http:// or https://.")
    for name in ("port", "smtp_port"):
        if not 0 < getattr(settings, name) < 65536:
            raise SettingsError(f"{PREFIX}{name.upper()} must lie between 1 and 65535, not {getattr(settings, name)}.")
    _check_mail(settings)
    least = {"web_processes": 1, "web_threads": 1, "workers": 1, "job_lease_seconds": 2, "job_days": 1}
    least |= {"render_megabytes": 512, "render_cpu_seconds": 1, "render_seconds": 1}
    for name, number in {**least, "session_hours": 1, "upload_megabytes": 1}.items():
        if getattr(settings, name) < number:
            raise SettingsError(f"{PREFIX}{name.upper()} must be at least {number}.")
    try:
        from zoneinfo import ZoneInfo

        ZoneInfo(settings.time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(f"GUANJIA_TIME_ZONE “{settings.time_zone}” is not a known time zone.") from error


def _check_mail(settings: Settings) -> None:
    if settings.smtp_security not in {"starttls", "tls", "none"}:
        raise SettingsError(f"GUANJIA_SMTP_SECURITY must be starttls, tls or none, not “{settings.smtp_security}”.")
    if not settings.smtp_host:
        return
    if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", settings.smtp_from):
        raise SettingsError("GUANJIA_SMTP_FROM must be an e-mail address when GUANJIA_SMTP_HOST is given.")
    if bool(settings.smtp_user) != bool(settings.smtp_password):
        raise SettingsError("GUANJIA_SMTP_USER and GUANJIA_SMTP_PASSWORD belong together.")
    if settings.smtp_user and settings.smtp_security == "none":
        raise SettingsError("GUANJIA_SMTP_USER needs an encrypted connection: GUANJIA_SMTP_SECURITY starttls or tls.")
