"""Sending e-mail through the installation's mail server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

import config
from app.core.messages.models import Trouble
from app.core.messages.webhooks import Undelivered

TIMEOUT = 10


@dataclass(frozen=True)
class Letter:
    """An e-mail ready to go; ``to`` is personal and is not printed."""

    to: str = field(repr=False)
    message: EmailMessage = field(repr=False)


def letter_of(
    payload: Mapping[str, Any], delivery: str, *, to: str, settings_address: str, settings: config.Settings
) -> Letter:
    """The e-mail that says ``payload`` (subject, sentence, link, language) to ``to``.

    Raises:
        Undelivered: ``to`` is no usable address.
    """
    sender = _address(settings.smtp_from)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Guanjia 管家", addr_spec=sender.addr_spec)
    message["To"] = _address(to)
    message["Subject"] = " ".join(payload["subject"].split())
    message["Message-ID"] = f"<{delivery}@{sender.domain}>"
    message["X-Guanjia-Delivery"] = delivery
    message["Auto-Submitted"] = "auto-generated"
    with force_locale(payload["language"]):
        choose = _("Choose what you hear of by e-mail: %(address)s", address=settings_address)
    message.set_content(f"{payload['sentence']}\n\n{payload['link']}\n\n-- \n{choose}\n", cte="base64")
    return Letter(to, message)


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (ValueError, IndexError, MessageError) as error:
        raise Undelivered(Trouble.NO_ADDRESS, final=True) from error


def send(letter: Letter, settings: config.Settings) -> None:
    """Hand the letter to the mail server.

    Raises:
        Undelivered: the server was not reached or refused it; what it refuses for good is not tried again.
    """
    encrypted = settings.smtp_security == "tls"
    try:
        with (
            smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT, context=_context())
            if encrypted
            else smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT)
        ) as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=_context())
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(letter.message, settings.smtp_from, [letter.to])
    except ssl.SSLCertVerificationError as error:
        raise Undelivered(Trouble.CERTIFICATE) from error
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _said in error.recipients.values())
        raise Undelivered(Trouble.MAIL, code, final=code >= 500) from error
    except smtplib.SMTPResponseException as error:
        for_good = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        raise Undelivered(Trouble.MAIL, error.smtp_code, final=for_good) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Undelivered(Trouble.UNREACHABLE, type(error).__name__) from error


def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
