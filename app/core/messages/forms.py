"""The inputs of a webhook that a column does not describe: several events, an address and a secret shown never again."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

import wtforms
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import validators

from app.core.messages.kinds import MessageEvent
from app.core.messages.webhooks import is_public
from app.core.registry import registry
from app.fab.fields import SecretField


class UnseenField(SecretField):
    """A secret of which not even the end is shown; empty keeps what is stored."""

    def process_data(self, value: str | None) -> None:
        super().process_data(value)
        self.render_kw = {"data-private": "yes"}
        if value:
            self.render_kw["placeholder"] = _("Stored; type here to replace it")


class AddressField(UnseenField):
    """Where a webhook goes."""

    def process_data(self, value: str | None) -> None:
        super().process_data(value)
        self.flags.required = not value

    def pre_validate(self, form: wtforms.Form) -> None:
        if not self.data:
            if not self.stored:
                raise validators.StopValidation(_("“%(field)s” must be filled in.", field=str(self.label.text)))
            return
        if problem := _problem(self.data):
            raise validators.StopValidation(problem)


def _problem(address: str) -> str:
    """What is wrong with an address before anybody asks the network; empty when nothing is."""
    vouched = current_app.config["GUANJIA"].private_hosts
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not re.fullmatch(r"https?://[!-~]{1,900}", address) or "@" in parts.netloc:
        return _("Write a complete address that begins with https://.")
    if parts.scheme != "https" and host not in vouched:
        return _("Only addresses that begin with https:// are used.")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return ""  # a name; what it means is asked when something is sent
    if host not in vouched and not is_public(host):
        return _("The host lies in a private network, which this installation does not allow.")
    return ""


class EventsField(wtforms.SelectMultipleField):
    """Which events a webhook is told of."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=_events, **kwargs)
        self.render_kw = {"data-choices": True}


def _events() -> list[tuple[str, str]]:
    return [(event.code, str(event.title)) for event in registry().of(MessageEvent).values()]


WEBHOOK_FIELDS = {
    "address": AddressField(
        _l("Address"),
        description=_l("As the receiver gives it; group bots have a key in it, so it is not shown again."),
    ),
    "secret": UnseenField(
        _l("Secret"), description=_l("Signs what is sent. Of DingTalk, the one that begins with SEC; WeCom has none.")
    ),
    "events": EventsField(_l("Events"), description=_l("What this receiver is told.")),
}
