"""The issuer's keys: fetched, kept for a while, and fetched again when an unknown key is named."""

import asyncio
import json
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import jwt

from shared.adapters.settings import CommonSettings
from shared.runtime.ports import Unavailable

_FIRST_KEYS_RETRY_SECONDS = 1.0
_FETCH_MAX_SECONDS = 5.0
_MAX_BYTES = 1_000_000


class Keys:
    """A JWKS from an address or a file. Rotation needs no restart."""

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        self._keys: list[jwt.PyJWK] = []
        self._fetched: float | None = None
        self._tried: float | None = None
        self._one_at_a_time = asyncio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of that id, or the only fitting one where the token names none."""
        if self._aged():
            await self._refresh()
        found = self._among(key_id, algorithm)
        if found is None and self._may_refresh():
            await self._refresh()
            found = self._among(key_id, algorithm)
        return found

    def _among(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys if key.algorithm_name == algorithm]
        if key_id is not None:
            fitting = [key for key in fitting if key.key_id == key_id]
        return fitting[0] if len(fitting) == 1 else None

    def _aged(self) -> bool:
        if self._fetched is None:
            return True
        return monotonic() - self._fetched > self._settings.jwks_max_age_seconds and self._may_refresh()

    def _may_refresh(self) -> bool:
        least = self._settings.jwks_refresh_min_seconds
        if self._fetched is None:
            # Nobody is let in until the first keys are here.
            least = min(least, _FIRST_KEYS_RETRY_SECONDS)
        return self._tried is None or monotonic() - self._tried >= least

    async def _refresh(self) -> None:
        """Fetch the keys. With old ones at hand a failure is borne; without, it is `Unavailable`."""
        async with self._one_at_a_time:
            if not self._may_refresh():
                if self._fetched is None:
                    raise Unavailable("the issuer's keys could not be had just now")
                return
            self._tried = monotonic()
            try:
                raw = await self._fetch()
                usable = [key for item in raw["keys"] if (key := _usable(item)) is not None]
            except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as problem:
                if self._fetched is None:
                    raise Unavailable(f"the issuer's keys can't be had: {type(problem).__name__}") from None
                return
            self._keys, self._fetched = usable, monotonic()

    async def _fetch(self) -> Any:
        if self._settings.jwks_file is not None:
            return json.loads(await asyncio.to_thread(self._settings.jwks_file.read_bytes))
        if self._settings.jwks_url is None:
            raise ValueError("neither an address nor a file of keys is configured")
        async with httpx.AsyncClient(timeout=_FETCH_MAX_SECONDS, follow_redirects=False) as client:
            response = await client.get(self._settings.jwks_url)
            response.raise_for_status()
            if len(response.content) > _MAX_BYTES:
                raise ValueError("the JWKS is too large")
            return response.json()


def is_jwks(path: Path) -> bool:
    """Whether a file holds a key that signatures can be checked with."""
    try:
        return any(_usable(item) is not None for item in json.loads(path.read_bytes())["keys"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _usable(raw: Any) -> jwt.PyJWK | None:
    """A key that signs, or None for one that is for something else or of a kind we don't know."""
    if not isinstance(raw, dict) or raw.get("use", "sig") != "sig" or raw.get("kty") == "oct":
        return None
    try:
        return jwt.PyJWK.from_dict(raw)
    except (jwt.PyJWKError, jwt.InvalidKeyError, TypeError, NotImplementedError):
        return None
