"""Bad settings stop the start with one clear line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import config


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GUANJIA_PROT", "80", "Unknown setting GUANJIA_PROT"),
        ("GUANJIA_PORT", "eighty", "must be a whole number"),
        ("GUANJIA_PORT", "70000", "between 1 and 65535"),
        ("GUANJIA_LANGUAGE", "fr", "must be zh or en"),
        ("GUANJIA_DATABASE_URL", "mysql://x", "must begin with"),
        ("GUANJIA_PUBLIC_URL", "desk.example", "must begin with http"),
        ("GUANJIA_TIME_ZONE", "Mars/Base", "not a known time zone"),
        ("GUANJIA_DEMO", "perhaps", "must be yes or no"),
        ("GUANJIA_WEB_PROCESSES", "0", "at least 1"),
        ("GUANJIA_WORKERS", "0", "at least 1"),
        ("GUANJIA_JOB_LEASE_SECONDS", "1", "at least 2"),
        ("GUANJIA_JOB_DAYS", "0", "at least 1"),
        ("GUANJIA_SMTP_PORT", "0", "between 1 and 65535"),
        ("GUANJIA_SMTP_SECURITY", "ssl", "starttls, tls or none"),
        ("GUANJIA_SMTP_HOST", "mail.example", "GUANJIA_SMTP_FROM must be an e-mail address"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(config.SettingsError, match=said):
        config.load({name: value})


def test_settings_come_from_the_environment() -> None:
    settings = config.load({"GUANJIA_PORT": "9000", "GUANJIA_DEMO": "yes", "OTHER": "x"})
    assert (settings.port, settings.demo, settings.language) == (9000, True, "zh")


def test_the_public_address_follows_host_and_port_unless_given() -> None:
    assert config.load({"GUANJIA_PORT": "9000"}).public_url == "http://127.0.0.1:9000"
    assert config.load({"GUANJIA_HOST": "0.0.0.0", "GUANJIA_PORT": "9000"}).public_url == "http://127.0.0.1:9000"
    assert config.load({"GUANJIA_PUBLIC_URL": "https://desk.example"}).public_url == "https://desk.example"


MAIL = {"GUANJIA_SMTP_HOST": "mail.example", "GUANJIA_SMTP_FROM": "desk@example.org"}


def test_a_mail_servers_password_goes_over_encrypted_connections_only() -> None:
    login = MAIL | {"GUANJIA_SMTP_USER": "desk", "GUANJIA_SMTP_PASSWORD": "hush"}
    assert "hush" not in repr(config.load(login))
    with pytest.raises(config.SettingsError, match="belong together"):
        config.load(MAIL | {"GUANJIA_SMTP_USER": "desk"})
    with pytest.raises(config.SettingsError, match="encrypted connection"):
        config.load(login | {"GUANJIA_SMTP_SECURITY": "none"})


def test_private_hosts_are_a_list() -> None:
    assert config.load({"GUANJIA_WEBHOOK_PRIVATE_HOSTS": "BI.lan, 10.0.0.5,"}).private_hosts == {"bi.lan", "10.0.0.5"}


@pytest.mark.slow
def test_the_program_stops_with_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "run.py", "serve"],
        cwd=config.ROOT,
        env={**os.environ, "GUANJIA_PROT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("guanjia: Unknown setting GUANJIA_PROT")
