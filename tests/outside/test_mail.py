"""Mail: one suite for the channel in memory and the one on SMTP, then what only SMTP can do wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from pydantic import SecretStr

from shared.adapters.clock import VirtualClock
from shared.adapters.memory_outside import MemoryMail
from shared.adapters.sandbox import Sandbox, SandboxSettings
from shared.adapters.settings import SmtpSettings
from shared.adapters.smtp import MailServer, SmtpChannel, mail_server, message_id, write_mail
from shared.contracts.facts import Receiver
from shared.runtime.ports import EffectResult, Outside
from tests.kit.rules import START

MAIL = {
    "to": "jane@example.com",
    "from": "Demo Shop <service@demo-shop.example>",
    "subject": "Your parcel is on its way",
    "text": "Dear Jane,\n\nit is — really — on its way.\n",
    "order_id": "A-1",
}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    it = Sandbox(SandboxSettings(port=0, smtp_port=0, dir=tmp_path))
    await it.start_mail()
    yield it
    await it.stop()


def channel(port: int, **server: Any) -> SmtpChannel:
    settings = {"host": "127.0.0.1", "port": port, "timeout_seconds": 2.0, **server}
    return SmtpChannel(MailServer(**settings), VirtualClock(START))


class Box:
    """What arrived, wherever it was sent by."""

    def __init__(self, mail: Outside, sandbox: Sandbox | None) -> None:
        self.mail = mail
        self.sandbox = sandbox

    def message_ids(self) -> list[str]:
        if self.sandbox is None:
            return list(cast(MemoryMail, self.mail).mails)
        return [entry["message_id"] for entry in self.sandbox.mails.newest(100)]


@pytest.fixture(params=["memory", "smtp"])
def box(request: pytest.FixtureRequest, sandbox: Sandbox) -> Box:
    if request.param == "memory":
        return Box(MemoryMail(), None)
    return Box(channel(sandbox.smtp_port), sandbox)


async def test_a_mail_is_sent_with_its_effects_id(box: Box) -> None:
    result = await box.mail.perform("mail-1", MAIL)
    assert result == EffectResult(done=True, result={"message_id": "<mail-1@orderlink>"})
    assert box.message_ids() == ["<mail-1@orderlink>"]


async def test_the_same_effect_has_the_same_message_id(box: Box) -> None:
    await box.mail.perform("mail-1", MAIL)
    await box.mail.perform("mail-1", MAIL)
    assert set(box.message_ids()) == {"<mail-1@orderlink>"}


@pytest.mark.parametrize(
    "change",
    [
        {"to": ""},
        {"to": None},
        {"to": "nobody"},
        {"to": "a@b.example, c@d.example"},
        {"to": "a@b.example\r\nBcc: c@d.example"},
        {"from": "Shop\n<service@demo-shop.example>"},
        {"from": 5},
        {"subject": None},
        {"text": None},
        {"text": "half a \ud800 pair"},
    ],
)
async def test_a_mail_that_cannot_be_written_has_failed_for_good(box: Box, change: dict[str, Any]) -> None:
    result = await box.mail.perform("mail-1", {**MAIL, **change})
    assert (result.done, result.retry) == (False, False)
    assert box.message_ids() == []
    assert "example" not in result.reason


async def test_no_field_can_add_a_header(box: Box) -> None:
    await box.mail.perform(
        "a\r\nBcc: x@y.example", {**MAIL, "subject": "Hello\r\nBcc: x@y.example", "order_id": "1\nX: 2"}
    )
    mail = write_mail(
        "a\r\nBcc: x@y.example", {**MAIL, "subject": "Hello\r\nBcc: x@y.example", "order_id": "1\nX: 2"}
    )
    assert mail["Bcc"] is None
    assert mail["X"] is None
    assert mail["Subject"] == "Hello Bcc: x@y.example"
    assert len(box.message_ids()) == 1


def test_message_ids_are_valid_whatever_an_effect_is_called() -> None:
    assert message_id("msg/ü <1>@x") == "<msg%2F%C3%BC%20%3C1%3E%40x@orderlink>"


async def test_a_mail_arrives_as_it_was_written(sandbox: Sandbox) -> None:
    await channel(sandbox.smtp_port).perform("mail-1", MAIL)
    raw = sandbox.mails.raw(1)
    assert raw is not None
    mail = message_from_bytes(raw, policy=default)
    assert mail["To"] == "jane@example.com"
    assert mail["From"] == "Demo Shop <service@demo-shop.example>"
    assert mail["Date"].datetime == START
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == MAIL["text"]
    entry = sandbox.mails.newest(1)[0]
    assert (entry["order_id"], entry["to"]) == ("A-1", ["jane@example.com"])


@pytest.mark.parametrize("address", ["jane@müller.example", "jane@xn--mller-kva.example"])
async def test_a_domain_beyond_ascii_is_every_servers(sandbox: Sandbox, address: str) -> None:
    given = Receiver(name="Jane", email=address).email
    await channel(sandbox.smtp_port).perform("mail-1", {**MAIL, "to": given})
    assert sandbox.mails.newest(1)[0]["to"] == ["jane@xn--mller-kva.example"]
    raw = sandbox.mails.raw(1)
    assert raw is not None
    assert raw.isascii() or b"To: jane@xn--mller-kva.example\r\n" in raw


async def test_a_mailbox_beyond_ascii_gets_its_mail_from_a_server_that_takes_it(sandbox: Sandbox) -> None:
    result = await channel(sandbox.smtp_port).perform("mail-1", {**MAIL, "to": "jörg@example.com"})
    assert result.done, result.reason
    assert sandbox.mails.newest(1)[0]["to"] == ["jörg@example.com"]


async def test_a_mailbox_that_is_not_there_has_failed_for_good(sandbox: Sandbox) -> None:
    result = await channel(sandbox.smtp_port).perform("mail-1", {**MAIL, "to": "bounce@example.com"})
    assert (result.done, result.retry) == (False, False)
    assert result.reason == "the mail server answered 550"


async def test_a_server_that_says_later_is_tried_again(sandbox: Sandbox) -> None:
    mail = channel(sandbox.smtp_port)
    first = await mail.perform("mail-1", {**MAIL, "to": "greylist@example.com"})
    assert (first.done, first.retry) == (False, True)
    assert (await mail.perform("mail-1", {**MAIL, "to": "greylist@example.com"})).done


async def test_a_server_that_is_away_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        result = await channel(free.getsockname()[1]).perform("mail-1", MAIL)
    assert (result.done, result.retry) == (False, True)


@pytest.mark.parametrize(
    "says", [b"", b"220 hello\r\n", b"not smtp at all\r\n", b"421 too busy\r\n", b"554 not you\r\n"]
)
async def test_a_server_that_hangs_or_babbles_is_tried_again(says: bytes) -> None:
    held: list[asyncio.StreamWriter] = []

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        writer.write(says)

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    result = await channel(port, timeout_seconds=0.2).perform("mail-1", MAIL)
    assert (result.done, result.retry) == (False, True)
    for writer in held:
        writer.close()
    server.close()


@pytest.mark.parametrize(("goes_at", "unclear"), [(b"EHLO", False), (b"DATA", True), (b".", True)])
async def test_a_connection_that_goes_while_a_mail_is_handed_over_leaves_unclear_whether_it_was_taken(
    goes_at: bytes, unclear: bool
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if line.strip() == goes_at or line.startswith(goes_at + b" "):
                break
            if line.startswith((b"EHLO", b"MAIL", b"RCPT")):
                writer.write(b"250 fine\r\n")
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    result = await channel(port).perform("mail-1", MAIL)
    assert (result.done, result.retry, result.unclear) == (False, True, unclear)
    server.close()
    await server.wait_closed()


async def test_an_account_that_the_server_does_not_know_is_tried_again(sandbox: Sandbox) -> None:
    result = await channel(sandbox.smtp_port, username="u", password="p").perform("mail-1", MAIL)
    assert (result.done, result.retry) == (False, True)


async def test_a_server_without_the_encryption_that_is_asked_for_gets_nothing(sandbox: Sandbox) -> None:
    result = await channel(sandbox.smtp_port, starttls="always").perform("mail-1", MAIL)
    assert (result.done, result.retry) == (False, True)
    assert "ORDERLINK_SMTP_STARTTLS" in result.reason
    assert len(sandbox.mails) == 0


def test_a_password_goes_over_encrypted_connections_alone_unless_told_otherwise() -> None:
    def starttls(url: str, said: Literal["never", "when-offered", "always"] | None = None) -> str:
        server = mail_server(SmtpSettings(smtp_url=SecretStr(url), smtp_starttls=said))
        assert server is not None
        return server.starttls

    assert starttls("smtp://user:password@mail.example:587") == "always"
    assert starttls("smtp://mail.example:25") == "when-offered"
    assert starttls("smtp://user:password@mail.example:587", "when-offered") == "when-offered"


def test_the_mail_server_is_read_from_one_address() -> None:
    assert mail_server(SmtpSettings()) is None
    settings = SmtpSettings(
        smtp_url=SecretStr("smtp://us%40er:p%2Fw@mail.example:587"), smtp_starttls="always"
    )
    assert mail_server(settings) == MailServer(
        "mail.example", 587, "us@er", "p/w", tls=False, starttls="always", timeout_seconds=20.0
    )
    secure = mail_server(SmtpSettings(smtp_url=SecretStr("smtps://mail.example")))
    assert secure is not None
    assert (secure.port, secure.tls) == (465, True)
