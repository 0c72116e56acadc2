"""What a setting can be: ports, times, files, addresses. Each says what it expected."""

import re
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

PREFIX: Final = "ORDERLINK_"
CONFIG: Final = SettingsConfigDict(
    env_prefix=PREFIX,
    frozen=True,
    extra="ignore",
    env_ignore_empty=True,
    hide_input_in_errors=True,
    allow_inf_nan=False,
)
"""How every class of settings reads the environment."""

PORT_MAX: Final = 65535
Port = Annotated[int, Field(ge=0, le=PORT_MAX)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


def listed(value: object) -> object:
    """A text's parts between its commas; anything else as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _servers(value: str) -> str:
    parts = [part.strip() for part in value.split(",")]
    if not all(re.fullmatch(r"[^\s:/@]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", part) for part in parts):
        raise ValueError("servers as host:port, several separated by commas")
    if any(int(part.rpartition(":")[2]) > PORT_MAX for part in parts):
        raise ValueError(f"servers as host:port, with ports up to {PORT_MAX}")
    return ",".join(parts)


def with_scheme(*schemes: str) -> AfterValidator:
    """An address that starts with one of these schemes and names a host."""
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        try:
            parts = urlsplit(text)
            fits = parts.scheme in schemes and bool(parts.hostname)
            _ = parts.port if "," not in parts.netloc else None
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"an address that starts with {wanted} and names a host")
        return value

    return AfterValidator(check)


def _readable(value: Path) -> Path:
    if not value.is_file():
        raise ValueError("the path of a file that can be read")
    return value


def _directory(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("the path of a folder")
    return value


Servers = Annotated[str, AfterValidator(_servers)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]
Directory = Annotated[Path, AfterValidator(_directory)]
HttpUrl = Annotated[str, with_scheme("http", "https")]
