"""Delivery: leases, backoff, signatures, the refusals that keep our own network closed, and the mail server."""

from __future__ import annotations

import email
import http.server
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from sqlalchemy import select

from app.core.access.actor import acting, system_actor
from app.core.messages import delivery, mail, services, webhooks
from app.core.messages.models import OutboxChannel, OutboxMessage, OutboxState, Webhook, WebhookFormat
from app.core.messages.webhooks import Undelivered, call_of, is_public, post, resolve
from app.core.records import base
from app.extensions import db
from tests.core.messages import account

MOMENT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PAYLOAD = {"event": "e", "title": "Work", "sentence": "三号楼", "link": "https://desk.example/go/unit/7", "at": "2026"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Time stands still, until it is moved on."""
    present = [MOMENT]
    monkeypatch.setattr(delivery, "now", lambda: present[0])

    def forward(by: timedelta) -> None:
        present[0] += by

    return forward


@pytest.fixture
def hook(session: Any) -> Webhook:
    made = Webhook(title="bot", address="https://bot.example/x", secret="s3cret", events=[], estate_id=1)
    session.add(made)
    session.flush()
    return made


def outgoing(session: Any, **values: Any) -> OutboxMessage:
    message = OutboxMessage(
        **{"estate_id": 1, "delivery": services.new_delivery(), "event": "e", "payload": PAYLOAD, "next_at": MOMENT}
        | values
    )
    session.add(message)
    session.commit()
    return message


@pytest.fixture
def message(session: Any, hook: Webhook) -> OutboxMessage:
    return outgoing(session, channel=OutboxChannel.WEBHOOK, webhook_id=hook.id)


@dataclass
class Receiver:
    """A server of this machine that keeps what it gets and answers as told."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    server: Any = None


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.path, dict(self.headers), body))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.server, told.port = server, server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


def local(receiver: Receiver, **values: Any) -> Webhook:
    return Webhook(
        **{"title": "bot", "address": f"http://127.0.0.1:{receiver.port}/x?key=1", "secret": "", "events": [],
           "format": WebhookFormat.GENERIC} | values
    )  # fmt: skip


# What is sent


def test_the_signature_covers_time_and_body() -> None:
    """The vector of the documentation."""
    body = b'{"id":"4f2c","event":"work.handed_over"}'
    assert webhooks.signature("guanjia-secret", "1772438400", body) == (
        "sha256=42853876682d59e105d0e8fc87d0d19d408732c2086c327e3afaf56134c9cc5b"
    )


def test_dingtalks_signature() -> None:
    assert webhooks.dingtalk_sign("SEC1234567890", "1772438400000") == "zsg2J0mGXXNHpiaHgHncQYrllmw/SXXfRm60QQr2gg0="


def test_the_generic_format_is_signed_json_with_a_delivery_number(receiver: Receiver) -> None:
    call = call_of(local(receiver, secret="s3cret"), PAYLOAD, "d1", MOMENT)
    post(call, {"127.0.0.1"})
    ((path, headers, body),) = receiver.got
    assert path == "/x?key=1"
    assert json.loads(body) == {"id": "d1", **PAYLOAD}
    assert headers["X-Guanjia-Delivery"] == "d1"
    assert headers["X-Guanjia-Signature"] == webhooks.signature("s3cret", headers["X-Guanjia-Timestamp"], body)
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert "s3cret" not in repr(call)


@pytest.mark.parametrize("kind", [WebhookFormat.WECOM, WebhookFormat.DINGTALK])
def test_bots_get_text_and_their_own_refusal_counts(receiver: Receiver, kind: WebhookFormat) -> None:
    receiver.body = b'{"errcode":0,"errmsg":"ok"}'
    post(call_of(local(receiver, format=kind, secret="SEC1"), PAYLOAD, "d1", MOMENT), {"127.0.0.1"})
    ((path, _headers, body),) = receiver.got
    assert json.loads(body) == {
        "msgtype": "text",
        "text": {"content": "Work\n三号楼\nhttps://desk.example/go/unit/7"},
    }
    assert ("&timestamp=1772438400000&sign=" in path) == (kind is WebhookFormat.DINGTALK)
    receiver.body = b'{"errcode":45009,"errmsg":"too often"}'
    with pytest.raises(Undelivered, match="bot 45009"):
        post(call_of(local(receiver, format=kind), PAYLOAD, "d1", MOMENT), {"127.0.0.1"})


def test_text_for_bots_is_cut_to_what_they_take() -> None:
    content = webhooks.bot_text(PAYLOAD | {"sentence": "很长" * 2000})["text"]["content"]
    assert len(content.encode()) <= webhooks.BOT_BYTES
    assert content.endswith(PAYLOAD["link"])


# Where it may go


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "::ffff:7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "::127.0.0.1", "fec0::1"],
)  # fmt: skip
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "114.114.114.114", "2400:3200::1", "::ffff:8.8.8.8"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers(*[["8.8.8.8", "10.0.0.1"]] * 2))
    with pytest.raises(Undelivered, match="private_address"):
        resolve("two.example", 443)
    assert resolve("two.example", 443, anywhere=True) == ["8.8.8.8", "10.0.0.1"]


def answers(*rounds: list[str]) -> Callable[..., Any]:
    """A name server that gives ``rounds`` one after the other; an address needs none."""
    left, usual = list(rounds), socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host.replace(".", "").isdigit():
            return usual(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in left.pop(0)]

    return getaddrinfo


def test_the_address_that_was_judged_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means something else at the second look (DNS rebinding) is never looked at twice."""
    connected = []

    def connect(address: tuple[str, int], timeout: float) -> Any:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", answers(["8.8.8.8"], ["127.0.0.1"]))
    monkeypatch.setattr(socket, "create_connection", connect)
    hook = Webhook(address="https://rebind.example/x", secret="", format=WebhookFormat.GENERIC)
    with pytest.raises(Undelivered, match="unreachable"):
        post(call_of(hook, PAYLOAD, "d1", MOMENT), frozenset())
    assert connected == [("8.8.8.8", 443)]


def test_private_hosts_need_the_installations_word(receiver: Receiver) -> None:
    hook = local(receiver, address=f"https://127.0.0.1:{receiver.port}/")
    with pytest.raises(Undelivered, match="private_address"):
        post(call_of(hook, PAYLOAD, "d1", MOMENT), frozenset())
    with pytest.raises(Undelivered, match="insecure") as refused:
        post(call_of(local(receiver), PAYLOAD, "d1", MOMENT), frozenset())
    assert refused.value.final and receiver.got == []


@pytest.fixture
def tls_receiver(receiver: Receiver, tmp_path: Path) -> Iterator[tuple[Receiver, Path]]:
    """The receiver behind TLS as ``hook.example``, and the file with its certificate, which nobody else vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hook.example")])
    since = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hook.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "hook.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    yield receiver, file


def test_certificates_are_checked_for_the_name_though_an_address_is_connected_to(
    tls_receiver: tuple[Receiver, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, certificate = tls_receiver
    receiver.server.handle_error = lambda *args: None  # a client that turns away is none of the server's business
    monkeypatch.setattr(socket, "getaddrinfo", answers(*[["127.0.0.1"]] * 3))
    hook = local(receiver, address=f"https://hook.example:{receiver.port}/x")
    with pytest.raises(Undelivered, match="certificate"):
        post(call_of(hook, PAYLOAD, "d1", MOMENT), {"hook.example"})
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    post(call_of(hook, PAYLOAD, "d2", MOMENT), {"hook.example"})
    other = local(receiver, address=f"https://other.example:{receiver.port}/x")
    with pytest.raises(Undelivered, match="certificate"):
        post(call_of(other, PAYLOAD, "d3", MOMENT), {"other.example"})
    assert [headers["X-Guanjia-Delivery"] for _path, headers, _body in receiver.got] == ["d2"]


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.port}/inside"}
    with pytest.raises(Undelivered, match="redirect 302"):
        post(call_of(local(receiver), PAYLOAD, "d1", MOMENT), {"127.0.0.1"})
    assert [path for path, *_rest in receiver.got] == ["/x?key=1"]


def test_a_receiver_that_answers_drop_by_drop_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "LONGEST", 0.2)
    stop = threading.Event()

    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while not stop.wait(0.05):
                try:
                    self.request.sendall(b"x")
                except OSError:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        hook = local(Receiver(port=server.server_address[1]))
        with pytest.raises(Undelivered, match="unreachable"):
            post(call_of(hook, PAYLOAD, "d1", MOMENT), {"127.0.0.1"})
        stop.set()
        server.shutdown()


# When it is sent


def test_a_delivered_message_is_noted_as_sent(
    session: Any, message: OutboxMessage, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "post", lambda call, private: None)
    assert delivery.deliver(session) == 1
    session.refresh(message)
    assert (message.state, message.sent_at, message.attempts) == (OutboxState.SENT, MOMENT, 1)
    assert delivery.deliver(session) == 0


def test_waiting_grows_until_the_message_has_failed_and_is_sent_again_by_hand(
    session: Any, message: OutboxMessage, clock: Any, monkeypatch: pytest.MonkeyPatch, client_of: Any
) -> None:
    def refuse(call: Any, private: Any) -> None:
        raise Undelivered(webhooks.Trouble.STATUS, 503)

    monkeypatch.setattr(webhooks, "post", refuse)
    for waiting in delivery.BACKOFF:
        assert delivery.deliver(session) == 1
        session.refresh(message)
        assert message.state is OutboxState.PENDING and message.error == "status 503"
        assert message.next_at == delivery.now() + waiting
        clock(waiting - timedelta(seconds=1))
        assert delivery.deliver(session) == 0
        clock(timedelta(seconds=1))
    assert delivery.deliver(session) == 1
    session.refresh(message)
    assert (message.state, message.attempts) == (OutboxState.FAILED, 7)
    client = client_of("manager")
    assert "The receiver answered with an error. (503)" in client.get("/settings/outbox/?state=failed").text
    assert client.post(f"/settings/outbox/{message.id}/resend").status_code == 302
    session.refresh(message)
    assert (message.state, message.attempts, message.error) == (OutboxState.PENDING, 0, "")


def test_what_cannot_be_sent_at_all_fails_at_once(session: Any, message: OutboxMessage, clock: Any) -> None:
    message.webhook.active = False
    session.commit()
    delivery.deliver(session)
    session.refresh(message)
    assert (message.state, message.error) == (OutboxState.FAILED, "switched_off")


def test_a_second_worker_leaves_a_claimed_message_until_its_lease_is_over(
    session: Any, message: OutboxMessage, clock: Any
) -> None:
    first = delivery.claim_next(session)
    assert first is not None and delivery.claim_next(session) is None
    clock(delivery.LEASE)
    second = delivery.claim_next(session)
    assert second is not None and second.id == first.id and second.token != first.token
    delivery._note(session, first, state=OutboxState.SENT, sent_at=MOMENT, error="")
    session.refresh(message)
    assert message.state is OutboxState.PENDING  # the first one's word no longer counts


def test_two_workers_send_every_message_once(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On connections of their own, at the same time."""
    sent: list[str] = []
    monkeypatch.setattr(webhooks, "post", lambda call, private: sent.append(call.headers["X-Guanjia-Delivery"]))
    hook = Webhook(title="bot", address="https://bot.example/x", events=[], estate_id=desk.building.estate_id)
    desk.session.add(hook)
    desk.session.flush()
    numbers = [
        outgoing(
            desk.session, estate_id=hook.estate_id, channel=OutboxChannel.WEBHOOK, webhook_id=hook.id,
            next_at=base.now() - timedelta(minutes=1),
        ).delivery
        for _turn in range(12)
    ]  # fmt: skip
    desk.session.rollback()  # reading the numbers began a transaction
    together = threading.Barrier(2)
    tried: list[int] = []

    def work() -> None:
        with desk.app.app_context(), acting(system_actor("worker")):
            together.wait()
            tried.append(delivery.deliver(db.session))

    workers = [threading.Thread(target=work) for _worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(sent) == sorted(numbers) and sum(tried) == 12


def test_a_sender_that_dies_again_and_again_is_not_waited_for(session: Any, message: OutboxMessage, clock: Any) -> None:
    for _attempt in range(len(delivery.BACKOFF) + 1):
        assert delivery.claim_next(session)
        clock(delivery.LEASE)
    assert delivery.deliver(session) == 1
    session.refresh(message)
    assert (message.state, message.error) == (OutboxState.FAILED, "broken_off")


# E-mail


@dataclass
class MailServer:
    port: int = 0
    refuse: bytes = b""
    got: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """As much of SMTP as handing over one letter takes."""
    told = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            recipient = ""
            while line := self.rfile.readline():
                word = line[:4].upper().strip()
                answer = b"250 ok"
                if word == b"RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    answer = told.refuse or answer
                elif word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    letter = b""
                    while (text := self.rfile.readline()) != b".\r\n":
                        letter += text
                    told.got.append((recipient, letter))
                elif word == b"QUIT":
                    answer = b"221 bye"
                self.wfile.write(answer + b"\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def letter(session: Any) -> OutboxMessage:
    manager = account(session, "manager")
    manager.email = "m@example.org"
    words = {
        "subject": "工作\r\nBcc: x@example.org",
        "sentence": "三号楼",
        "link": "https://d/go/unit/7",
        "language": "zh",
    }
    return outgoing(session, channel=OutboxChannel.EMAIL, person_id=manager.id, payload=words)


def test_a_letter_goes_to_one_person_with_a_lasting_number(
    app: Flask, session: Any, letter: OutboxMessage, mail_set_up: Any, mail_server: MailServer, clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(app.config, "GUANJIA", replace(mail_set_up, smtp_port=mail_server.port))
    delivery.deliver(session)
    session.refresh(letter)
    assert (letter.state, letter.error) == (OutboxState.SENT, "")
    ((recipient, text),) = mail_server.got
    said: Any = email.message_from_bytes(text, policy=default)
    assert recipient == "m@example.org" and said["To"] == "m@example.org"
    assert said["Message-ID"] == f"<{letter.delivery}@example.org>"
    assert said["Subject"] == "工作 Bcc: x@example.org" and said["Bcc"] is None  # no way into the headers
    assert "三号楼\n\nhttps://d/go/unit/7" in said.get_content().replace("\r\n", "\n")


def test_an_unknown_recipient_fails_for_good_and_a_busy_server_does_not(
    app: Flask, session: Any, letter: OutboxMessage, mail_set_up: Any, mail_server: MailServer, clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(app.config, "GUANJIA", replace(mail_set_up, smtp_port=mail_server.port))
    mail_server.refuse = b"450 later"
    delivery.deliver(session)
    session.refresh(letter)
    assert (letter.state, letter.error) == (OutboxState.PENDING, "mail 450")
    clock(delivery.BACKOFF[0])
    mail_server.refuse = b"550 nobody here"
    delivery.deliver(session)
    session.refresh(letter)
    assert (letter.state, letter.error) == (OutboxState.FAILED, "mail 550")


@pytest.mark.parametrize("address", ["a@x.org\r\nBcc: b@x.org", "a@x.org, b@x.org", "nobody", "<a@x.org>"])
def test_no_address_carries_more_than_one_person(app: Flask, mail_set_up: Any, address: str) -> None:
    words = {"subject": "s", "sentence": "s", "link": "l", "language": "en"}
    with app.app_context(), pytest.raises(Undelivered, match="no_address"):
        mail.letter_of(words, "d1", to=address, settings_address="", settings=mail_set_up)


def test_nobody_who_left_is_written_to(session: Any, letter: OutboxMessage, mail_set_up: Any, clock: Any) -> None:
    letter.person.active = False
    session.commit()
    delivery.deliver(session)
    session.refresh(letter)
    assert (letter.state, letter.error) == (OutboxState.FAILED, "no_address")


# The screens of webhooks

FORM = {"title": "Bot", "format": "wecom", "address": "https://bot.example/send?key=4711", "secret": "hush-hush",
        "events": [], "language": "zh", "active": "y"}  # fmt: skip


def test_a_webhook_is_added_and_keeps_its_secrets(session: Any, client_of: Any) -> None:
    client = client_of("manager")
    assert client.post("/settings/webhooks/new", data=FORM).status_code == 302
    hook = session.scalars(select(Webhook)).one()
    assert hook.address == FORM["address"]
    for page in (f"/settings/webhooks/{hook.id}", f"/settings/webhooks/{hook.id}/edit", "/settings/webhooks/"):
        text = client.get(page).text
        assert "bot.example" in text or page.endswith("edit")
        assert "4711" not in text and "hush" not in text
    changed = FORM | {"title": "Group", "address": "", "secret": "", "version": str(hook.version)}
    assert client.post(f"/settings/webhooks/{hook.id}/edit", data=changed).status_code == 302
    session.refresh(hook)
    assert (hook.title, hook.address, hook.secret) == ("Group", FORM["address"], "hush-hush")


@pytest.mark.parametrize(
    "address", ["http://bot.example/", "https://10.0.0.1/", "https://[::1]/", "ftp://x", "https://user:pw@bot.example/",
                "https://bot.example:port/", "https://bot.example/a b", ""],
)  # fmt: skip
def test_an_address_that_would_never_work_is_refused_in_the_form(client_of: Any, address: str) -> None:
    assert client_of("manager").post("/settings/webhooks/new", data=FORM | {"address": address}).status_code == 422


def test_a_test_message_shows_its_result(
    session: Any, client_of: Any, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.commit()
    client, calls = client_of("manager"), []
    monkeypatch.setattr(webhooks, "post", lambda call, private: calls.append(call))
    page = client.post(f"/settings/webhooks/{hook.id}/test", follow_redirects=True).text
    assert "The receiver took the test message." in page and len(calls) == 1

    def refuse(call: Any, private: Any) -> None:
        raise Undelivered(webhooks.Trouble.UNKNOWN_HOST)

    monkeypatch.setattr(webhooks, "post", refuse)
    page = client.post(f"/settings/webhooks/{hook.id}/test", follow_redirects=True).text
    assert "The name of the host cannot be resolved." in page


def test_webhooks_belong_to_their_estate_and_keepers(session: Any, client_of: Any, hook: Webhook) -> None:
    session.commit()
    for username in ("cashier", "neighbour"):
        client = client_of(username)
        assert client.get(f"/settings/webhooks/{hook.id}").status_code == 404
        assert client.post(f"/settings/webhooks/{hook.id}/test").status_code == 404


def test_a_webhook_goes_with_its_messages(session: Any, client_of: Any, message: OutboxMessage) -> None:
    number, hook = message.id, message.webhook_id
    assert client_of("manager").post(f"/settings/webhooks/{hook}/delete").status_code == 302
    session.expire_all()
    assert session.get(Webhook, hook) is None and session.get(OutboxMessage, number) is None
