"""The database as its clients see it: where it is, how connections are protected, what its errors mean."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from shared.adapters.connection_settings import MongoSettings
from shared.adapters.credentials import Line, are_set, ca_problems, pair_problems, password_of
from shared.adapters.settings import SettingsWrong
from shared.runtime.ports import PortError, Unavailable

_AUTHENTICATION_FAILED: Final = 18
_UNAUTHORIZED: Final = 13
_PASSES: Final = frozenset({1, 6, 7, 8, 43, 89, 112, 133, 134, 175, 202, 237, 262, 9001, 11601, 14031})
"""Nothing is wrong with what was asked, and waiting is right: internal and unknown errors, hosts and sockets
that are away, cursors and plans that ended with their server, conflicts, timeouts, and a full disk.
"""
_OF_SECONDARIES: Final = ("maxStalenessSeconds", "readPreferenceTags")
"""Options by which secondaries are chosen. What else an address says of reads and writes is overruled, but
the driver takes none of these two together with a primary."""
_RETRYABLE: Final = ("RetryableError", "RetryableWriteError")
_NOT_ALLOWED: Final = re.compile(r"not authorized on (\S+)")
_ENDED: Final = re.compile("Connection reset by peer|connection closed")
_UNREACHED: Final = re.compile(r"(?!No )(.*?), Timeout: ")
"""What each server answered; the driver goes on with its own picture of all of them."""
_TIMEOUTS: Final = re.compile(r" \(configured timeouts: [^)]*\)")
_NOT_TRUSTED: Final = re.compile(r"certificate verify failed: ([^(]+)")


@dataclass(frozen=True, slots=True)
class Database:
    """Where a MongoDB server or cluster is, and how to be let in. Neither address nor password is shown."""

    url: str = field(repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    is_encrypted: bool = False
    """False leaves it to the address."""
    ca_file: Path | None = None
    cert_key_file: Path | None = None

    def options(self) -> dict[str, Any]:
        """What the driver is told beside the address."""
        told: dict[str, Any] = {}
        if self.username is not None:
            told |= {"username": self.username, "password": self.password}
        if self.is_encrypted:
            told["tls"] = True
        if self.ca_file is not None:
            told["tlsCAFile"] = str(self.ca_file)
        if self.cert_key_file is not None:
            told["tlsCertificateKeyFile"] = str(self.cert_key_file)
        return told


def as_database(where: Database | str) -> Database:
    """A plain address says all there is to say."""
    return Database(where) if isinstance(where, str) else where


def database_from(settings: MongoSettings) -> Database:
    """The database that the settings describe. Raises `SettingsWrong`."""
    lines: list[Line] = []
    password: str | None = None
    try:
        password = password_of(settings.mongodb_password, settings.mongodb_password_file, "MONGODB_PASSWORD")
    except SettingsWrong as wrong:
        lines.extend(wrong.lines)
    found = Database(
        url=settings.mongodb_url.get_secret_value(),
        username=settings.mongodb_username,
        password=password,
        is_encrypted=settings.mongodb_tls == "on",
        ca_file=settings.mongodb_tls_ca_file,
        cert_key_file=settings.mongodb_tls_cert_key_file,
    )
    address = _read(found.url)
    if address is None:
        wanted = "an address that can be read, with what is special in user and password as %40 and the like"
        lines.append(("MONGODB_URL", wanted, "a value that is not shown, since it is a secret"))
    else:
        wanted = "no such option: every read asks the primary, which alone has what was just written"
        lines += [("MONGODB_URL", wanted, option) for option in address["of_secondaries"]]
        lines += _user_problems(found, address, is_password_told=not lines)
        lines += _file_problems(found, address)
    if lines:
        raise SettingsWrong(*lines)
    return found


def _read(url: str) -> dict[str, Any] | None:
    """What an address says; None when it can't be read. Hosts are not looked up."""
    is_looked_up = url.startswith("mongodb+srv://")
    try:
        parsed: dict[str, Any] = dict(parse_uri(url.replace("mongodb+srv://", "mongodb://", 1), warn=False))
    except (PyMongoError, ValueError):
        return None
    options: dict[str, Any] = dict(parsed["options"])
    parsed["tls"] = bool(options.get("tls", is_looked_up))
    parsed["of_secondaries"] = [name for name in _OF_SECONDARIES if name in options]
    return parsed


def _user_problems(found: Database, address: dict[str, Any], *, is_password_told: bool) -> list[Line]:
    if found.username is None:
        if found.password is None:
            return []
        return [("MONGODB_USERNAME", "the user whose password is in MONGODB_PASSWORD", "nothing")]
    if address["username"]:
        return [("MONGODB_USERNAME", "nothing, since MONGODB_URL names a user", repr(found.username))]
    if found.password is None and is_password_told:
        wanted = "his password, here or in MONGODB_PASSWORD_FILE, since MONGODB_USERNAME is set"
        return [("MONGODB_PASSWORD", wanted, "nothing")]
    return []


def _file_problems(found: Database, address: dict[str, Any]) -> list[Line]:
    files = {"MONGODB_TLS_CA_FILE": found.ca_file, "MONGODB_TLS_CERT_KEY_FILE": found.cert_key_file}
    if not (found.is_encrypted or address["tls"]):
        given = [name for name, file in files.items() if file is not None]
        return [("MONGODB_TLS", f"'on', {are_set(given)}", "'off'")] if given else []
    wanted = "a certificate and its key, without a passphrase, in one PEM file"
    return ca_problems("MONGODB_TLS_CA_FILE", found.ca_file) + pair_problems(
        "MONGODB_TLS_CERT_KEY_FILE", wanted, found.cert_key_file, None
    )


def explained(problem: PyMongoError) -> str:
    """What the driver says, or what an operator has to mend where that is known."""
    if is_not_let_in(problem):
        return (
            "it does not let the user in: there is no such user, or his password is another "
            "(MONGODB_USERNAME, MONGODB_PASSWORD, authSource in MONGODB_URL)"
        )
    if isinstance(problem, OperationFailure) and problem.code == _UNAUTHORIZED:
        # Its own text repeats the command, with what is in it.
        where = _NOT_ALLOWED.search(str(problem))
        return (
            f"it wants a user with the role readWrite on {where[1] if where else 'the database'} "
            "(MONGODB_USERNAME, MONGODB_PASSWORD)"
        )
    untrusted = _NOT_TRUSTED.search(str(problem))
    if untrusted:
        reason = untrusted[1].strip()
        return f"it shows a certificate that is not to be trusted: {reason} (MONGODB_TLS_CA_FILE)"
    if _ENDED.search(str(problem)):
        return "it ends connections before it has answered: it is going away, or wants TLS (MONGODB_TLS)"
    unreached = _UNREACHED.match(str(problem))
    if unreached:
        return f"{_TIMEOUTS.sub('', unreached[1])} (MONGODB_URL)"
    return str(problem)


def is_not_let_in(problem: PyMongoError) -> bool:
    """Whether user or password are wrong."""
    return isinstance(problem, OperationFailure) and problem.code == _AUTHENTICATION_FAILED


@contextmanager
def named_errors() -> Generator[None]:
    """Turn the driver's errors into the port's."""
    try:
        yield
    except (ConnectionFailure, BulkWriteError) as problem:
        raise Unavailable(f"database: {explained(problem)}") from problem
    except OperationFailure as problem:
        passes = problem.timeout or any(problem.has_error_label(label) for label in _RETRYABLE)
        # A user may be made, or his password changed, while we wait.
        passes = passes or problem.code in _PASSES or is_not_let_in(problem)
        raise (Unavailable if passes else PortError)(f"database: {explained(problem)}") from problem
    except PyMongoError as problem:
        raise (Unavailable if problem.timeout else PortError)(f"database: {problem}") from problem
