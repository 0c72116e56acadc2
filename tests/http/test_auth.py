"""Who is let in: static tokens, and JWTs checked against a JWKS."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from shared.adapters.clock import SystemClock
from shared.adapters.http.auth import Door as AuthDoor
from shared.adapters.http.auth import door_from, static_tokens
from shared.adapters.settings import CommonSettings, SettingsWrong
from shared.runtime.ports import Unavailable
from tests.http.kit import READER, Door, problem

ISSUER, AUDIENCE = "https://issuer.test", "orderlink"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer wrong-token-0123456789",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 9000,
    ],
)
async def test_without_a_known_token_nobody_is_let_in(door: Door, header: str) -> None:
    headers = [(b"Authorization", header.encode("latin-1"))] if header else []
    response = await door.client.post("/facts", content=b"{broken", headers=headers)
    problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_two_authorization_headers_are_none(door: Door) -> None:
    header = (b"Authorization", b"Bearer " + READER.encode())
    response = await door.client.get("/orders", headers=[header, header])
    problem(response, 401, "unauthenticated")


async def test_a_token_may_be_configured_by_its_digest() -> None:
    from hashlib import sha256

    digest = "sha256:" + sha256(b"a-token-that-nobody-stores").hexdigest()
    door = static_tokens(json.dumps({digest: _grant()}), "ORDERLINK_TOKENS")
    actor = await door.actor("a-token-that-nobody-stores")
    assert actor is not None
    assert actor.name == "console"
    assert await door.actor(digest) is None


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"short": {"name": "a", "scopes": ["admin"], "shops": ["*"]}}',
        '{"a-long-enough-token-1": {"name": "a", "scopes": ["root"], "shops": ["*"]}}',
        '{"a-long-enough-token-1": {"name": "a", "scopes": ["admin"]}}',
        *(
            f'{{"{digest}": {{"name": "a", "scopes": ["admin"], "shops": ["*"]}}}}'
            for digest in (
                f"sha256:{'AB' * 32}",
                f"sha256:{'ab' * 31}a",
                f"SHA256:{'ab' * 32}",
                f"sha256: {'ab' * 32}",
            )
        ),
        '{"a-long-enough-token-1": {"name": "a", "scopes": ["admin"], "shops": ["*"], "x": 1}}',
    ],
)
def test_tokens_that_cannot_be_read_are_told_without_repeating_them(text: str) -> None:
    with pytest.raises(SettingsWrong) as wrong:
        static_tokens(text, "ORDERLINK_TOKENS")
    told = wrong.value.block("orderlink")
    assert "ORDERLINK_TOKENS" in told
    assert "a-long-enough-token-1" not in told


def test_without_tokens_a_process_does_not_start() -> None:
    with pytest.raises(SettingsWrong, match="ORDERLINK_AUTH=off"):
        door_from(CommonSettings())


def test_everybody_is_let_in_only_where_that_is_said() -> None:
    assert door_from(CommonSettings(auth="off")) is None


def test_a_jwks_needs_an_issuer_and_an_audience(jwks: Path) -> None:
    with pytest.raises(SettingsWrong, match="ORDERLINK_JWT_ISSUER"):
        door_from(CommonSettings(jwks_file=jwks))


Key = Any


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    write_jwks(path)
    return path


def write_jwks(path: Path, *without: str) -> None:
    keys: list[dict[str, Any]] = [
        {
            **RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True),
            "kid": "rsa",
            "alg": "RS256",
            "use": "sig",
        },
        {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"},
        {**OKPAlgorithm.to_jwk(ED_KEY.public_key(), as_dict=True), "kid": "ed", "alg": "EdDSA"},
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "oct", "alg": "HS256"},
        {"kty": "unheard-of", "kid": "odd"},
    ]
    path.write_text(json.dumps({"keys": [key for key in keys if key["kid"] not in without]}))


@pytest.fixture
def auth(jwks: Path) -> AuthDoor:
    return _jwt_door(jwks_file=jwks)


def _jwt_door(**settings: Any) -> AuthDoor:
    door = door_from(CommonSettings(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, **settings))
    assert door is not None
    return door


def signed(key: Key = RSA_KEY, kid: str | None = "rsa", algorithm: str = "RS256", **changes: Any) -> str:
    now = SystemClock().now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "agent-7",
        "exp": now + timedelta(minutes=5),
        "scope": "orders:read tasks:work something:else",
        "shops": ["demo"],
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(RSA_KEY, "rsa", "RS256"), (EC_KEY, "ec", "ES256"), (ED_KEY, "ed", "EdDSA")]
)
async def test_a_signed_token_names_its_owner_scopes_and_shops(
    auth: AuthDoor, key: Key, kid: str, algorithm: str
) -> None:
    actor = await auth.actor(signed(key, kid, algorithm))
    assert actor is not None
    assert actor.name == "agent-7"
    assert actor.scopes == {"orders:read", "tasks:work"}
    assert actor.shops == {"demo"}


async def test_a_token_without_key_id_is_checked_with_the_only_fitting_key(auth: AuthDoor) -> None:
    assert await auth.actor(signed(kid=None)) is not None


def _long_ago(**span: float) -> Callable[[], dict[str, Any]]:
    return lambda: {"exp": SystemClock().now() - timedelta(**span)}


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://somebody.else"},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": " agent"},
        {"sub": "a\nb"},
        {"sub": "\ud800"},
        {"nbf": 4_000_000_000},
        {"shops": {"a": 1}},
        {"scope": 5},
    ],
)
async def test_a_token_with_wrong_claims_is_not_known(auth: AuthDoor, changes: dict[str, Any]) -> None:
    assert await auth.actor(signed(**changes)) is None


async def test_a_subject_that_is_longer_than_a_name_may_be_is_told_from_another_one(auth: AuthDoor) -> None:
    longest, other, another = "a" * 128, "a" * 128 + "b", "a" * 128 + "c"
    names = [actor.name for it in (longest, other, another) if (actor := await auth.actor(signed(sub=it)))]
    assert names[0] == longest
    assert len(set(names)) == 3
    assert {len(name) for name in names} == {128}


async def test_a_token_that_ran_out_within_the_leeway_still_counts(auth: AuthDoor) -> None:
    assert await auth.actor(signed(exp=SystemClock().now() - timedelta(seconds=10))) is not None
    assert await auth.actor(signed(exp=SystemClock().now() - timedelta(seconds=60))) is None


async def test_a_token_of_an_algorithm_that_is_not_allowed_is_not_known(auth: AuthDoor, jwks: Path) -> None:
    assert await auth.actor(signed("secret-secret-secret-secret-secret", "oct", "HS256")) is None
    assert await auth.actor(signed("secret-secret-secret-secret-secret", "rsa", "HS256")) is None
    assert await auth.actor(jwt.encode({"sub": "x"}, "", algorithm="none")) is None
    only_ec = _jwt_door(jwks_file=jwks, jwt_algorithms=("ES256",))
    assert await only_ec.actor(signed()) is None


async def test_a_token_signed_by_another_key_is_not_known(auth: AuthDoor) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert await auth.actor(signed(other)) is None
    assert await auth.actor(signed(other, kid="unknown")) is None
    assert await auth.actor("a.b.c") is None


async def test_a_token_without_shops_sees_none(auth: AuthDoor) -> None:
    actor = await auth.actor(signed(shops=None))
    assert actor is not None
    assert not actor.serves("demo")


async def test_a_new_key_is_found_without_a_restart(jwks: Path) -> None:
    write_jwks(jwks, "ec")
    auth = _jwt_door(jwks_file=jwks, jwks_refresh_min_seconds=1e-9)
    assert await auth.actor(signed()) is not None
    assert await auth.actor(signed(EC_KEY, "ec", "ES256")) is None
    write_jwks(jwks)
    assert await auth.actor(signed(EC_KEY, "ec", "ES256")) is not None


async def test_keys_are_fetched_from_the_issuer(jwks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        fetched.append(str(request.url))
        return httpx.Response(200, content=jwks.read_bytes())

    _route(monkeypatch, answer)
    auth = _jwt_door(jwks_url="https://issuer.test/keys")
    assert await auth.actor(signed()) is not None
    assert await auth.actor(signed(kid="nobody")) is None
    assert fetched == ["https://issuer.test/keys"]


async def test_an_issuer_that_failed_once_at_the_start_is_asked_again_soon(
    jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, statuses = [0.0], [503, 200]
    monkeypatch.setattr("shared.adapters.http.jwks.monotonic", lambda: seconds[0])
    _route(monkeypatch, lambda _: httpx.Response(statuses.pop(0), content=jwks.read_bytes()))
    auth = _jwt_door(jwks_url="https://issuer.test/keys")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await auth.actor(signed())
    seconds[0] = 1.0
    assert await auth.actor(signed()) is not None


@pytest.mark.parametrize(
    "odd", [{"kty": "RSA", "alg": ["RS256"], "n": "AQAB", "e": "AQAB"}, {"kty": "RSA", "alg": "none"}]
)
async def test_one_odd_key_does_not_take_the_others_away(
    odd: dict[str, Any], jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"keys": [odd, *json.loads(jwks.read_bytes())["keys"]]})

    _route(monkeypatch, answer)
    assert await _jwt_door(jwks_url="https://issuer.test/keys").actor(signed()) is not None


async def test_an_issuer_that_is_away_makes_tokens_undecidable(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    _route(monkeypatch, answer)
    with pytest.raises(Unavailable):
        await _jwt_door(jwks_url="https://issuer.test/keys").actor(signed())


def _route(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> None:
    real = httpx.AsyncClient

    def client(**options: Any) -> httpx.AsyncClient:
        return real(transport=httpx.MockTransport(answer), **options)

    monkeypatch.setattr("shared.adapters.http.jwks.httpx.AsyncClient", client)


def _grant() -> dict[str, Any]:
    return {"name": "console", "scopes": ["orders:read"], "shops": ["*"]}
