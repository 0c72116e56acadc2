"""The sandbox: a mail server and a payment provider for a laptop and for tests, as one process.

    python -m shared.adapters.sandbox

Mails become `.eml` files with an `index.jsonl`; refunds are paid once for each key, and every call
is written down. `GET /mails` and `GET /refunds` show both. Addresses that start with `bounce` are
refused for good and with `greylist` the first time, so that failures can be seen too.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.adapters.http.sandbox_api import sandbox_app
from shared.adapters.http.server import HttpServer, PortTaken
from shared.adapters.logs import logger, set_up_logs
from shared.adapters.sandbox_books import MailBook, RefundBook
from shared.adapters.setting_values import PREFIX, Port
from shared.adapters.settings import EXIT_CODE

MAIL_MAX_BYTES: Final = 1_000_000
DRAIN_SECONDS: Final = 2.0
EXIT_PORT_TAKEN: Final = 2


class SandboxSettings(BaseSettings):
    """What the sandbox is told by its environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX + "SANDBOX_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    """The address that it listens on."""
    port: Port = 8085
    """HTTP: the payment provider and what happened."""
    smtp_port: Port = 8086
    """The mail server."""
    dir: Path = Path(".orderlink/sandbox")
    """Where mails and refunds are kept."""


class MailSink:
    """Takes every mail, but for the addresses that are there to be refused."""

    def __init__(self, mails: MailBook) -> None:
        self._mails = mails
        self._met: set[str] = set()

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Say whether a recipient is taken."""
        if address.startswith("bounce"):
            return "550 5.1.1 no such mailbox here"
        if address.startswith("greylist") and address not in self._met:
            self._met.add(address)
            return "451 4.7.1 come again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Keep a mail."""
        content = envelope.original_content or b""
        entry = self._mails.add(envelope.mail_from or "", list(envelope.rcpt_tos), content)
        return f"250 kept as {entry['file']}"


class Sandbox:
    """Both servers, in the running loop."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.mails = MailBook(settings.dir)
        self.refunds = RefundBook(settings.dir)
        self._sink = MailSink(self.mails)
        self._http: HttpServer | None = None
        self._smtp: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises `PortTaken`."""
        await self.start_mail()
        app = sandbox_app(self.mails, self.refunds)
        self._http = HttpServer(app, self.settings.host, self.settings.port, DRAIN_SECONDS)
        await self._http.start()

    async def start_mail(self) -> None:
        """Listen for mail only. Raises `PortTaken`."""
        host = self.settings.host
        try:
            self._smtp = await asyncio.get_running_loop().create_server(
                self._protocol, host, self.settings.smtp_port
            )
        except OSError as problem:
            raise PortTaken(problem.errno, f"{host}:{self.settings.smtp_port} is taken") from problem

    async def stop(self) -> None:
        """Take nothing new, and close."""
        if self._smtp is not None:
            self._smtp.close()
        if self._http is not None:
            await self._http.stop()

    @property
    def port(self) -> int:
        """The HTTP server's port."""
        return 0 if self._http is None else self._http.port

    @property
    def smtp_port(self) -> int:
        """The mail server's port."""
        return 0 if self._smtp is None else int(self._smtp.sockets[0].getsockname()[1])

    def _protocol(self) -> asyncio.Protocol:
        server: Any = SMTP(
            self._sink,
            data_size_limit=MAIL_MAX_BYTES,
            enable_SMTPUTF8=True,
            ident="Orderlink sandbox",
            hostname="sandbox",
        )
        protocol: asyncio.Protocol = server
        return protocol


async def _run(settings: SandboxSettings) -> int:
    sandbox = Sandbox(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    try:
        await sandbox.start()
    except PortTaken as problem:
        sys.stderr.write(f"The sandbox does not start: {problem}\n")
        return EXIT_PORT_TAKEN
    logger().info("sandbox is up", http=sandbox.port, smtp=sandbox.smtp_port, directory=str(settings.dir))
    await stopped.wait()
    await sandbox.stop()
    return 0


def main() -> int:
    """Run until told to stop."""
    set_up_logs("sandbox", "sandbox", "info")
    try:
        settings = SandboxSettings()
    except ValidationError as problem:
        for error in problem.errors(include_url=False):
            name = f"{PREFIX}SANDBOX_{str(error['loc'][0]).upper()}"
            sys.stderr.write(f"{name}: expected {error['msg']}, got {error['input']!r}\n")
        return EXIT_CODE
    return asyncio.run(_run(settings))


if __name__ == "__main__":
    raise SystemExit(main())
