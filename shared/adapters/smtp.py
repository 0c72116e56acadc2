"""Mail to buyers by SMTP.

A mail carries its effect's id as Message-ID. SMTP can't dedupe: after a crash at the wrong moment
the same mail may go out twice, under the same Message-ID.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Any, Final, Literal
from urllib.parse import quote, unquote, urlsplit

import aiosmtplib
from email_validator import validate_email

from shared.adapters.settings import SmtpSettings
from shared.runtime.ports import Clock, EffectResult

ID_DOMAIN: Final = "orderlink"
SUBJECT_MAX_CHARS: Final = 200
QUIT_MAX_SECONDS: Final = 2.0
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PORTS: Final = {"smtp": 25, "smtps": 465}
_AUTHENTICATION: Final = (530, 534, 535, 538)
"""Codes that say nothing of the mail: the account is wrong, and may be right later."""


class MailRefused(ValueError):
    """A mail that can't be written: an address or a field of it is wrong."""


class _Unanswered(Exception):
    """The connection went when the mail was being handed over: it may have been taken."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes, and how."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    starttls: Literal["never", "when-offered", "always"] = "when-offered"
    timeout_seconds: float = 20.0


class SmtpChannel:
    """The mail channel. One connection a mail."""

    def __init__(self, server: MailServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Send one mail. One that the server refuses for good (5xx) has failed; all else is tried again."""
        try:
            message = write_mail(effect_id, request)
        except MailRefused as problem:
            return EffectResult(done=False, reason=str(problem))
        message["Date"] = format_datetime(self._clock.now())
        try:
            await self._send(message)
        except _Unanswered as problem:
            reason = f"the mail server does not say whether it took the mail: {problem}"
            return EffectResult(done=False, retry=True, unclear=True, reason=reason)
        except aiosmtplib.SMTPAuthenticationError as problem:
            return _again(f"the mail server refuses the account with {problem.code}")
        except (aiosmtplib.SMTPConnectResponseError, aiosmtplib.SMTPHeloError) as problem:
            # It refuses us, whatever the mail: a block list or a setting, which somebody mends.
            return _again(f"the mail server does not let us in and answered {problem.code}")
        except aiosmtplib.SMTPRecipientsRefused as problem:
            return _by_code(max((refusal.code for refusal in problem.recipients), default=450))
        except aiosmtplib.SMTPResponseException as problem:
            return _by_code(problem.code)
        except aiosmtplib.SMTPNotSupported:
            return EffectResult(done=False, reason="the mail server does not take such an address")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as problem:
            if "STARTTLS" in str(problem):
                return _again("the mail server offers no STARTTLS, see ORDERLINK_SMTP_STARTTLS")
            return _again(f"the mail server can't be reached: {type(problem).__name__}")
        return EffectResult(done=True, result={"message_id": message["Message-ID"]})

    async def _send(self, message: EmailMessage) -> None:
        server = self._server
        starttls = {"never": False, "when-offered": None, "always": True}[server.starttls]
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=None if server.tls else starttls,
            timeout=server.timeout_seconds,
        )
        try:
            await client.connect()
            try:
                await client.send_message(message)
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as problem:
                raise _Unanswered(type(problem).__name__) from problem
            # The mail is taken; a server that is slow to say good-bye must not make it a failure.
            with suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(QUIT_MAX_SECONDS):
                    await client.quit()
        finally:
            client.close()


def mail_server(settings: SmtpSettings) -> MailServer | None:
    """The server that the settings name, if they name one."""
    if settings.smtp_url is None:
        return None
    url = urlsplit(settings.smtp_url.get_secret_value())
    return MailServer(
        host=url.hostname or "",
        port=url.port or _PORTS[url.scheme],
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        tls=url.scheme == "smtps",
        # Unencrypted, a password goes to whoever stands in between and offers no encryption.
        starttls=settings.smtp_starttls or ("always" if url.password else "when-offered"),
        timeout_seconds=settings.smtp_max_seconds,
    )


def message_id(effect_id: str) -> str:
    """The Message-ID of an effect: the same for the same effect, and valid whatever its id holds."""
    return f"<{quote(effect_id, safe='')}@{ID_DOMAIN}>"


def write_mail(effect_id: str, request: Mapping[str, Any]) -> EmailMessage:
    """The mail of a request. Nothing in the request can add a header. Raises `MailRefused`."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = _address(request.get("from"), "from")
        message["To"] = _address(request.get("to"), "to")
        message["Subject"] = _one_line(request.get("subject"), "subject")[:SUBJECT_MAX_CHARS]
        message["Message-ID"] = message_id(effect_id)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Orderlink-Order"] = quote(str(request.get("order_id", "")), safe=" ")
        text = request.get("text")
        if not isinstance(text, str):
            raise MailRefused("text: expected a text")
        message.set_content(text)
        _ = message.as_bytes()
    except (MessageError, ValueError, UnicodeError) as problem:
        if isinstance(problem, MailRefused):
            raise
        raise MailRefused("the mail can't be written") from None
    return message


def _address(value: Any, field: str) -> Address:
    text = _one_line(value, field)
    try:
        ((name, spec),) = getaddresses([text])
        address = Address(name, addr_spec=spec) if spec.isascii() else _beyond_ascii(name, spec)
    except (ValueError, MessageError, IndexError):
        raise MailRefused(f"{field}: expected one mail address") from None
    if not address.domain or not address.username:
        raise MailRefused(f"{field}: expected one mail address")
    return address


def _beyond_ascii(name: str, spec: str) -> Address:
    """The domain as IDNA, which every server takes; what stands before it only servers with SMTPUTF8 do."""
    told = validate_email(spec, check_deliverability=False)
    return Address(name, username=told.local_part, domain=told.ascii_domain)


def _one_line(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MailRefused(f"{field}: expected a text")
    if field != "subject" and _UNPRINTABLE.search(value):
        raise MailRefused(f"{field}: expected one line")
    return _UNPRINTABLE.sub(" ", value).strip()


def _by_code(code: int) -> EffectResult:
    reason = f"the mail server answered {code}"
    if code >= 500 and code not in _AUTHENTICATION:
        return EffectResult(done=False, reason=reason)
    return _again(reason)


def _again(reason: str) -> EffectResult:
    return EffectResult(done=False, retry=True, reason=reason)
