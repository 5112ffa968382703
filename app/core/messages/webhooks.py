"""Telling another system over HTTPS, signed, and never one inside our own network unless the installation says so."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlsplit

from app.core.messages.models import Trouble, Webhook, WebhookFormat, trouble_in_words

TIMEOUT = 5
"""Seconds to wait for the connection, and for each part of the answer."""
LONGEST = 20
"""Seconds after which a receiver that answers drop by drop is cut off."""
BOT_BYTES = 2048
"""WeCom takes no longer text; DingTalk takes far more."""


class Undelivered(Exception):
    """A message did not arrive. ``final``: trying again cannot help. ``detail`` is short and holds no secret."""

    def __init__(self, trouble: Trouble, detail: object = "", *, final: bool = False) -> None:
        self.error, self.final = f"{trouble.value} {detail}".strip()[:100], final
        super().__init__(self.error)

    @property
    def sentence(self) -> str:
        """What went wrong, in the reader's language."""
        return trouble_in_words(self.error)


@dataclass(frozen=True, repr=False)
class Call:
    """One POST: where, and what. It holds secrets and is never printed."""

    secure: bool
    host: str
    port: int
    target: str
    headers: Mapping[str, str]
    body: bytes
    bot: bool


def call_of(webhook: Webhook, payload: Mapping[str, Any], delivery: str, moment: datetime) -> Call:
    """The request that tells ``webhook`` of ``payload`` (event, title, sentence, link, at), signed at ``moment``.

    The generic format carries ``X-Guanjia-Signature: sha256=<hex>``, the HMAC-SHA256 under the webhook's secret of
    ``X-Guanjia-Timestamp`` (seconds), a full stop and the body. DingTalk's signature goes into the address.
    """
    parts = urlsplit(webhook.address)
    target, bot = parts.path or "/", webhook.format is not WebhookFormat.GENERIC
    query = parts.query
    if webhook.format is WebhookFormat.DINGTALK and webhook.secret:
        stamp = str(int(moment.timestamp() * 1000))
        query += f"{'&' if query else ''}timestamp={stamp}&sign={quote_plus(dingtalk_sign(webhook.secret, stamp))}"
    content = bot_text(payload) if bot else {"id": delivery, **payload}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    stamp = str(int(moment.timestamp()))
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Guanjia",
        "X-Guanjia-Delivery": delivery,
        "X-Guanjia-Timestamp": stamp,
    }
    if webhook.secret and not bot:
        headers["X-Guanjia-Signature"] = signature(webhook.secret, stamp, body)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    return Call(secure, parts.hostname or "", port, f"{target}?{query}" if query else target, headers, body, bot)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What ``X-Guanjia-Signature`` must be for this body at this time."""
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def dingtalk_sign(secret: str, timestamp: str) -> str:
    """DingTalk's ``sign`` of a group bot: HMAC-SHA256 of timestamp (milliseconds), line feed and secret, in Base64."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def bot_text(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The text message that group bots of WeCom and DingTalk take."""
    room = BOT_BYTES - len(payload["link"].encode()) - 1
    words = f"{payload['title']}\n{payload['sentence']}".encode()[:room].decode(errors="ignore")
    return {"msgtype": "text", "text": {"content": f"{words}\n{payload['link']}".strip()}}


def post(call: Call, private_hosts: Collection[str]) -> None:
    """Send it. The host is resolved once, judged, and connected to at that very address; no redirect is followed.

    Raises:
        Undelivered: nothing was sent, or the receiver did not take it.
    """
    vouched = call.host in private_hosts
    if not (call.secure or vouched):
        raise Undelivered(Trouble.INSECURE, final=True)
    connection = _Connection(call, resolve(call.host, call.port, anywhere=vouched))
    limit = threading.Timer(LONGEST, connection.cut)
    limit.start()
    try:
        connection.request("POST", call.target, call.body, dict(call.headers))
        answer = connection.getresponse()
        said = answer.read(65536) if call.bot else b""
    except ssl.SSLCertVerificationError as error:
        raise Undelivered(Trouble.CERTIFICATE) from error
    except (OSError, http.client.HTTPException) as error:
        raise Undelivered(Trouble.UNREACHABLE, type(error).__name__) from error
    finally:
        limit.cancel()
        connection.close()
    if 300 <= answer.status < 400:
        raise Undelivered(Trouble.REDIRECT, answer.status)
    if not 200 <= answer.status < 300:
        raise Undelivered(Trouble.STATUS, answer.status)
    if call.bot and (code := _bot_code(said)):
        raise Undelivered(Trouble.BOT, code)


def _bot_code(said: bytes) -> int | str:
    """The bots' own error code, which comes with status 200; 0 when the message was taken."""
    try:
        code = json.loads(said)["errcode"]
    except (ValueError, KeyError, TypeError):
        return "?"
    return code if isinstance(code, int) else "?"


def resolve(host: str, port: int, *, anywhere: bool = False) -> list[str]:
    """The addresses of ``host``. Unless ``anywhere``, all of them must be public.

    Raises:
        Undelivered: unknown host, or one of its addresses is private, local or otherwise special.
    """
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Undelivered(Trouble.UNKNOWN_HOST) from error
    if not anywhere and not all(is_public(address) for address in found):
        raise Undelivered(Trouble.PRIVATE_ADDRESS)
    return list(dict.fromkeys(found))


def is_public(address: str) -> bool:
    """The address belongs to the open Internet, also when it is an IPv4 address in the clothes of IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour or ip.teredo or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class _Connection(http.client.HTTPConnection):
    """Connects to addresses that were judged before, never to what the name means by now."""

    def __init__(self, call: Call, addresses: Collection[str]) -> None:
        super().__init__(call.host, call.port, timeout=TIMEOUT)
        self.secure, self.addresses = call.secure, addresses

    def cut(self) -> None:
        """End the conversation from another thread."""
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def connect(self) -> None:
        problem: OSError = OSError("no address")
        for address in self.addresses:
            try:
                self.sock = socket.create_connection((address, self.port), TIMEOUT)
                break
            except OSError as error:
                problem = error
        else:
            raise problem
        if self.secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
