"""Passwords and certificates out of settings: read from their files, and checked before anything connects."""

import ssl
from pathlib import Path

from pydantic import SecretStr

from shared.adapters.settings import SettingsWrong

Line = tuple[str, str, str]
"""Variable, what was expected, what came."""


def password_of(given: SecretStr | None, file: Path | None, variable: str) -> str | None:
    """The password that a variable or its file holds. Raises `SettingsWrong`, which never repeats it."""
    file_variable = f"{variable}_FILE"
    if file is None:
        return None if given is None else given.get_secret_value()
    if given is not None:
        raise SettingsWrong((file_variable, f"nothing, since {variable} is set", "a file"))
    try:
        password = file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise SettingsWrong((file_variable, "a file in UTF-8 that can be read", "another")) from None
    if not password:
        raise SettingsWrong((file_variable, "a file with a password", "an empty one"))
    return password


def tls_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """Trusts who `ca` names, else whom the system trusts; checks names. Raises `OSError`, also for no PEM."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None:
        context.load_cert_chain(cert, key, password=_no_passphrase)
    return context


def ca_problems(variable: str, ca: Path | None) -> list[Line]:
    """What is wrong with the file of a CA."""
    try:
        tls_context(ca, None, None)
    except (OSError, ValueError):
        return [(variable, "a file with a CA's certificate as PEM", repr(str(ca)))]
    return []


def pair_problems(variable: str, expected: str, cert: Path | None, key: Path | None) -> list[Line]:
    """What is wrong with the files of our own certificate and its key."""
    try:
        tls_context(None, cert, key)
    except (OSError, ValueError):
        return [(variable, expected, repr(str(cert)))]
    return []


def are_set(names: list[str]) -> str:
    """Some variables as the reason for something."""
    return f"since {' and '.join(names)} {'is' if len(names) == 1 else 'are'} set"


def _no_passphrase() -> str:
    # OpenSSL would ask for one at the terminal.
    raise ValueError("the key has a passphrase")
