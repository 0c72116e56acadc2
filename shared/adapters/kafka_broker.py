"""The broker as its clients see it: where it is, how connections are protected, who connects.

The drivers hide why a broker does not let them in: they log it and say that they could not connect.
`why_not` connects once in the open and says what an operator has to mend.
"""

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiokafka.conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from shared.adapters.connection_settings import KafkaSettings, SaslMechanism, SecurityProtocol
from shared.adapters.credentials import Line, are_set, ca_problems, pair_problems, password_of, tls_context
from shared.adapters.settings import SettingsWrong, from_environment
from shared.runtime.ports import NotLetIn, Record, Unavailable

KNOCK_SECONDS: Final = 3.0
"""How long one server may take to let us in when we ask why it does not."""
_CREATE: Final[Any] = aiokafka.conn.create_conn  # aiokafka has no types


def record_of(topic: str, fetched: Any) -> Record:
    """What a driver has fetched, as a record of ours of that topic; the drivers name its parts alike."""
    return Record(
        topic,
        fetched.partition,
        fetched.offset,
        fetched.key,
        fetched.value,
        dict(fetched.headers),
        fetched.timestamp,
    )


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker or cluster is, and how to be let in. The password is never shown."""

    servers: str
    protocol: SecurityProtocol = "PLAINTEXT"
    mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether connections are TLS."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def has_user(self) -> bool:
        """Whether connections say who they are."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each server."""
        return list(self._addresses())

    def options(self) -> dict[str, Any]:
        """What aiokafka's and kafka-python's clients are told alike. Reads certificates anew.

        Raises `Unavailable` when their files are gone or no good any more.
        """
        return {"bootstrap_servers": self.servers.split(","), **self._protection()}

    def _protection(self) -> dict[str, Any]:
        told: dict[str, Any] = {"security_protocol": self.protocol}
        if self.is_encrypted:
            try:
                told["ssl_context"] = tls_context(self.ca_file, self.cert_file, self.key_file)
            except (OSError, ValueError) as problem:
                raise Unavailable(f"broker: its certificates cannot be read: {problem}") from problem
        if self.has_user:
            told["sasl_mechanism"] = self.mechanism
            told["sasl_plain_username"] = self.username
            told["sasl_plain_password"] = self.password
        return told

    def _addresses(self) -> Iterator[tuple[str, int]]:
        for server in self.servers.split(","):
            host, _, port = server.rpartition(":")
            yield host.strip("[]"), int(port)

    async def why_not(self, what: str = "broker", knock_seconds: float = KNOCK_SECONDS) -> Unavailable | None:
        """Why none of the servers lets us in, each with what to mend; None when one of them does.

        A server that does not answer within `knock_seconds` is taken for silent.

        `NotLetIn` where one of them is there and turns us away.
        """
        protection = self._protection()
        reasons: list[str] = []
        kind = Unavailable
        for host, port in self._addresses():
            problem = await self._knock(host, port, protection, knock_seconds)
            if problem is None:
                return None
            reasons.append(f"{host}:{port} {self._reason(problem, knock_seconds)}")
            kind = NotLetIn if _turns_us_away(problem) else kind
        return kind(f"{what}: {'; '.join(reasons)}")

    async def _knock(
        self, host: str, port: int, protection: dict[str, Any], seconds: float
    ) -> BaseException | None:
        connection: Any = None
        try:
            async with asyncio.timeout(seconds):
                connection = await _CREATE(host, port, request_timeout_ms=round(seconds * 1000), **protection)
                # A server that wants a user lets everybody ask what it can do, and nobody more.
                await connection.send(MetadataRequest([]))
        except (KafkaError, OSError, TimeoutError) as problem:
            return problem
        finally:
            if connection is not None:
                await connection.close()
        return None

    def _reason(self, problem: BaseException, knock_seconds: float) -> str:
        match problem:
            case SaslAuthenticationFailed():
                return (
                    f"does not let user {self.username!r} in: there is no such user, or his password is "
                    "another (KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD)"
                )
            case UnsupportedSaslMechanismError() | IllegalSaslStateError():
                return f"takes no {self.mechanism} (KAFKA_SASL_MECHANISM)"
            case ssl.SSLCertVerificationError():
                return (
                    f"shows a certificate that is not to be trusted: {problem.verify_message} "
                    "(KAFKA_TLS_CA_FILE)"
                )
            case ssl.SSLError():
                return f"does not speak TLS as we do: {problem.reason} (KAFKA_SECURITY_PROTOCOL)"
            case TimeoutError():
                return f"does not answer within {knock_seconds:.0f} s"
            case KafkaError():
                return (
                    f"ends the connection before it has answered; we spoke {self.protocol} "
                    f"(KAFKA_SECURITY_PROTOCOL){'' if self.cert_file else ' and showed no certificate'}"
                )
            case _:
                return "cannot be reached (KAFKA_BOOTSTRAP_SERVERS)"


def _turns_us_away(problem: BaseException) -> bool:
    """Whether a server is there and says no. One that only ends the connection may be going away."""
    if isinstance(problem, ssl.SSLError):
        return not isinstance(problem, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    said_no = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)
    return isinstance(problem, said_no)


def as_broker(where: Broker | str) -> Broker:
    """Plain servers are a broker without protection."""
    return Broker(where) if isinstance(where, str) else where


async def unavailable(broker: Broker, problem: BaseException, what: str = "broker") -> Unavailable:
    """The port's error for what ended an attempt to connect, with the true reason if it is found."""
    reason: Unavailable | None = None
    # A broker that does not answer would not answer now either.
    if isinstance(problem, KafkaError):
        try:
            reason = await broker.why_not(what)
        except Unavailable as said:
            return said
    return problem if isinstance(problem, Unavailable) else reason or Unavailable(f"{what}: {problem!r}")


def broker_from(settings: KafkaSettings) -> Broker:
    """The broker that the settings describe. Raises `SettingsWrong`."""
    protocol = settings.kafka_security_protocol
    lines: list[Line] = []
    password: str | None = None
    try:
        password = password_of(
            settings.kafka_sasl_password, settings.kafka_sasl_password_file, "KAFKA_SASL_PASSWORD"
        )
    except SettingsWrong as wrong:
        lines.extend(wrong.lines)
    broker = Broker(
        servers=settings.kafka_bootstrap_servers,
        protocol=protocol,
        mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_sasl_username,
        password=password,
        ca_file=settings.kafka_tls_ca_file,
        cert_file=settings.kafka_tls_cert_file,
        key_file=settings.kafka_tls_key_file,
    )
    lines += _user_problems(broker, is_password_told=not lines) + _file_problems(broker)
    if lines:
        raise SettingsWrong(*lines)
    return broker


def broker_at(servers: str | None) -> Broker:
    """The broker that the environment describes, at other servers if told. Raises `SettingsWrong`."""
    broker = broker_from(from_environment(KafkaSettings))
    return broker if servers is None else replace(broker, servers=servers)


def _user_problems(broker: Broker, *, is_password_told: bool) -> list[Line]:
    since = f"since KAFKA_SECURITY_PROTOCOL is {broker.protocol}"
    if not broker.has_user:
        given = {"KAFKA_SASL_USERNAME": broker.username, "KAFKA_SASL_PASSWORD": broker.password}
        useless = [name for name, value in given.items() if value is not None]
        wanted = f"SASL_SSL, {are_set(useless)}"
        return [("KAFKA_SECURITY_PROTOCOL", wanted, repr(broker.protocol))] if useless else []
    lines: list[Line] = []
    if not broker.username:
        lines.append(("KAFKA_SASL_USERNAME", f"the broker's user, {since}", "nothing"))
    if broker.password is None and is_password_told:
        wanted = f"his password, here or in KAFKA_SASL_PASSWORD_FILE, {since}"
        lines.append(("KAFKA_SASL_PASSWORD", wanted, "nothing"))
    if broker.mechanism == "PLAIN" and not broker.is_encrypted:
        wanted = f"SCRAM-SHA-512 or SCRAM-SHA-256, {since} and PLAIN would send the password unencrypted"
        lines.append(("KAFKA_SASL_MECHANISM", wanted, repr(broker.mechanism)))
    return lines


def _file_problems(broker: Broker) -> list[Line]:
    files = {
        "KAFKA_TLS_CA_FILE": broker.ca_file,
        "KAFKA_TLS_CERT_FILE": broker.cert_file,
        "KAFKA_TLS_KEY_FILE": broker.key_file,
    }
    if not broker.is_encrypted:
        given = [name for name, file in files.items() if file is not None]
        wanted = f"SSL or SASL_SSL, {are_set(given)}"
        return [("KAFKA_SECURITY_PROTOCOL", wanted, repr(broker.protocol))] if given else []
    pair = ("KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE")
    for name, other in (pair, pair[::-1]):
        if files[name] is None and files[other] is not None:
            return [(name, f"the path of a file, {are_set([other])}", "nothing")]
    wanted = "a certificate as PEM, whose key, without a passphrase, is in KAFKA_TLS_KEY_FILE"
    return ca_problems("KAFKA_TLS_CA_FILE", broker.ca_file) + pair_problems(
        "KAFKA_TLS_CERT_FILE", wanted, broker.cert_file, broker.key_file
    )
