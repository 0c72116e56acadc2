"""Who asks and what he may do: static bearer tokens, or JWTs checked against a JWKS.

A token has scopes and shops. What it may not see it is told nothing of: another shop's order is
404 to read and 403 to write. Without any tokens a process refuses to start, unless
`ORDERLINK_AUTH=off` says so.
"""

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, Protocol

import jwt
from fastapi import Request, Security
from fastapi.security import HTTPBearer, SecurityScopes
from pydantic import Field, TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from shared.adapters.http.jwks import Keys, is_jwks
from shared.adapters.http.problems import ProblemRaised
from shared.adapters.settings import CommonSettings, SettingsWrong
from shared.contracts.base import ID_MAX_CHARS, Frozen, Id, Strict

Scope = Literal["facts:write", "orders:read", "tasks:work", "admin"]
SCOPES: Final[dict[Scope, str]] = {
    "facts:write": "Tell facts: shop platforms, payment providers, carriers.",
    "orders:read": "See orders, parcels, cases, messages and timelines.",
    "tasks:work": "See and work tasks, answer buyers, act on cases: agents, human or AI.",
    "admin": "Everything.",
}
ALL_SHOPS: Final = "*"
PUBLIC: Final = frozenset(
    {"/healthz", "/livez", "/readyz", "/metrics", "/version", "/charts", "/openapi.json", "/docs"}
)
"""Addresses that need no token."""
INLETS: Final = "/inlets/"
"""Below this address the sender's own signature is the right, and no token is asked for."""
_ID: Final = TypeAdapter(Id)
_TOKEN_MIN_CHARS: Final = 16
_TOKEN_MAX_CHARS: Final = 8192
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_LIKE_A_DIGEST: Final = re.compile(r"\s*sha-?256\s*:", re.IGNORECASE)
"""Taken as a token it would let in whoever reads the setting."""
_FORMAT: Final = (
    'a JSON object {"<token or sha256:hex of it>": {"name": "…", "scopes": ["facts:write"], "shops": ["*"]}}'
)


class Actor(Frozen):
    """Somebody who was let in."""

    name: str
    scopes: frozenset[str]
    shops: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the token has the scope."""
        return scope in self.scopes or "admin" in self.scopes

    @property
    def every_shop(self) -> bool:
        """Whether the token is not limited to some shops."""
        return ALL_SHOPS in self.shops

    def serves(self, shop_id: str | None) -> bool:
        """Whether the token is good for this shop. A file whose shop is not known yet is nobody's."""
        return self.every_shop or (shop_id is not None and shop_id in self.shops)


EVERYBODY: Final = Actor(name="everybody", scopes=frozenset(SCOPES), shops=frozenset({ALL_SHOPS}))
"""Who asks where `ORDERLINK_AUTH=off`."""


class _Token(Strict):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    shops: Annotated[tuple[Id, ...], Field(min_length=1)]


_TOKENS: Final = TypeAdapter(dict[str, _Token])


class Door(Protocol):
    """Whatever knows who a bearer is."""

    async def actor(self, token: str) -> Actor | None:
        """Who it is, or None. Raises `Unavailable` when that can't be found out now."""
        ...


class StaticTokens:
    """Tokens from the environment. Only their digests are kept."""

    def __init__(self, tokens: Mapping[str, _Token]) -> None:
        self._actors = [
            (
                bytes.fromhex(token.removeprefix("sha256:"))
                if _DIGEST.fullmatch(token)
                else sha256(token.encode()).digest(),
                Actor(name=it.name, scopes=frozenset(it.scopes), shops=frozenset(it.shops)),
            )
            for token, it in tokens.items()
        ]

    async def actor(self, token: str) -> Actor | None:
        """The token's owner. Takes the same time for every wrong token."""
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        found: Actor | None = None
        for known, actor in self._actors:
            if hmac.compare_digest(known, digest):
                found = actor
        return found


class JwtTokens:
    """JWTs, signed with a key of the issuer's JWKS, by an allowed algorithm."""

    def __init__(self, keys: Keys, settings: CommonSettings) -> None:
        self._keys = keys
        self._settings = settings

    async def actor(self, token: str) -> Actor | None:
        """Who the token names, if it is valid now."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            return None
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._settings.jwt_algorithms or not isinstance(key_id, str | None):
            return None
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._settings.jwt_issuer,
                audience=self._settings.jwt_audience,
                leeway=self._settings.jwt_leeway_seconds,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.InvalidTokenError, jwt.InvalidKeyError):
            return None
        return self._read(claims)

    def _read(self, claims: dict[str, Any]) -> Actor | None:
        said = claims.get("scope", claims.get("scp", ""))
        scopes = said.split() if isinstance(said, str) else said
        shops = claims.get(self._settings.jwt_shops_claim, [])
        shops = shops.split() if isinstance(shops, str) else shops
        name = _name(claims["sub"])
        if name is None or not (_texts(scopes) and _texts(shops)):
            return None
        known = frozenset(scope for scope in scopes if scope in SCOPES)
        return Actor(name=name, scopes=known, shops=frozenset(shops))


def _name(subject: str) -> str | None:
    """A subject as the id that files keep of who did something; None where it can't be one.

    One that is too long ends in its hash, so that no two become one.
    """
    if len(subject) > ID_MAX_CHARS:
        digest = sha256(subject.encode(errors="replace")).hexdigest()[:32]
        subject = f"{subject[: ID_MAX_CHARS - 33]}~{digest}"
    try:
        return _ID.validate_python(subject)
    except ValidationError:
        return None


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


class Doors:
    """Several doors: who is known at one of them is let in."""

    def __init__(self, *doors: Door) -> None:
        self._doors = doors

    async def actor(self, token: str) -> Actor | None:
        """Who it is at the first door that knows."""
        for door in self._doors:
            actor = await door.actor(token)
            if actor is not None:
                return actor
        return None


def door_from(settings: CommonSettings) -> Door | None:
    """The door that the settings describe; None where everybody is let in. Raises `SettingsWrong`."""
    if settings.auth == "off":
        return None
    doors: list[Door] = []
    if settings.tokens is not None:
        doors.append(static_tokens(settings.tokens.get_secret_value(), "ORDERLINK_TOKENS"))
    if settings.tokens_file is not None:
        try:
            text = settings.tokens_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise SettingsWrong(
                ("ORDERLINK_TOKENS_FILE", "a file in UTF-8 that can be read", "another")
            ) from None
        doors.append(static_tokens(text, "ORDERLINK_TOKENS_FILE"))
    if settings.jwks_url is not None or settings.jwks_file is not None:
        for name in ("jwt_issuer", "jwt_audience"):
            if not getattr(settings, name):
                raise SettingsWrong(
                    (f"ORDERLINK_{name.upper()}", "a value, since a JWKS is configured", "nothing")
                )
        if settings.jwks_file is not None and not is_jwks(settings.jwks_file):
            raise SettingsWrong(
                ("ORDERLINK_JWKS_FILE", 'a JWKS with a key that signs: {"keys": [...]}', "something else")
            )
        doors.append(JwtTokens(Keys(settings), settings))
    if not doors:
        raise SettingsWrong(
            (
                "ORDERLINK_TOKENS",
                "tokens, here, in ORDERLINK_TOKENS_FILE or by ORDERLINK_JWKS_URL, or ORDERLINK_AUTH=off",
                "nothing",
            )
        )
    return Doors(*doors)


def static_tokens(text: str, variable: str) -> StaticTokens:
    """Read static tokens. Raises `SettingsWrong`, which never repeats a token."""
    try:
        tokens = _TOKENS.validate_json(text)
    except ValidationError as problem:
        error = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in error["loc"][1:])
        about = f" ({where}: {error['msg']})" if where else ""
        raise SettingsWrong((variable, _FORMAT, f"something else{about}")) from None
    if not tokens:
        raise SettingsWrong((variable, _FORMAT, "an object without tokens"))
    for token in tokens:
        if _LIKE_A_DIGEST.match(token) and not _DIGEST.fullmatch(token):
            raise SettingsWrong((variable, "sha256: and 64 hex digits in lower case", "another digest"))
        if len(token) < _TOKEN_MIN_CHARS:
            raise SettingsWrong(
                (variable, f"tokens of at least {_TOKEN_MIN_CHARS} characters", f"one of {len(token)}")
            )
    return StaticTokens(tokens)


class AuthGuard:
    """ASGI middleware: lets in only who is known, before anything of his request is read."""

    def __init__(self, app: ASGIApp, door: Door | None) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Find out who asks."""
        if scope["type"] == "http" and not _open(scope["path"]):
            scope.setdefault("state", {})["actor"] = await self._actor(Headers(scope=scope))
        await self._app(scope, receive, send)

    async def _actor(self, headers: Headers) -> Actor:
        if self._door is None:
            return EVERYBODY
        said = headers.getlist("authorization")
        if not said:
            raise _unauthenticated("Authorization: expected a bearer token, got nothing.", None)
        scheme, _, token = said[0].partition(" ")
        if len(said) > 1 or scheme.lower() != "bearer" or not 0 < len(token.strip()) <= _TOKEN_MAX_CHARS:
            raise _unauthenticated("Authorization: expected 'Bearer <token>'.", "invalid_request")
        actor = await self._door.actor(token.strip())
        if actor is None:
            raise _unauthenticated("The bearer token is not known, or has run out.", "invalid_token")
        return actor


def _open(path: str) -> bool:
    return path in PUBLIC or path.startswith(INLETS)


def _unauthenticated(detail: str, error: str | None) -> ProblemRaised:
    challenge = 'Bearer realm="orderlink"' + (f', error="{error}"' if error else "")
    return ProblemRaised(401, "unauthenticated", detail, headers={"WWW-Authenticate": challenge})


_BEARER: Final = HTTPBearer(auto_error=False, description="A static token or a JWT; see docs/settings.md.")


async def _allowed(
    request: Request, wanted: SecurityScopes, _bearer: Annotated[Any, Security(_BEARER)] = None
) -> Actor:
    actor: Actor = request.state.actor
    for scope in wanted.scopes:
        if not actor.may(scope):
            challenge = f'Bearer realm="orderlink", error="insufficient_scope", scope="{scope}"'
            raise ProblemRaised(
                403,
                "forbidden",
                f"The token lacks the scope {scope}.",
                headers={"WWW-Authenticate": challenge},
            )
    return actor


Teller = Annotated[Actor, Security(_allowed, scopes=["facts:write"])]
"""Somebody who may tell facts."""
Reader = Annotated[Actor, Security(_allowed, scopes=["orders:read"])]
"""Somebody who may see orders."""
Worker = Annotated[Actor, Security(_allowed, scopes=["tasks:work"])]
"""Somebody who may work tasks."""
Admin = Annotated[Actor, Security(_allowed, scopes=["admin"])]
"""Somebody who may do everything."""


def shop_not_allowed(field: str | None = None) -> ProblemRaised:
    """The token may not write for this shop."""
    about = f"{field}: t" if field else "T"
    return ProblemRaised(403, "shop-not-allowed", f"{about}he token is for other shops.")
