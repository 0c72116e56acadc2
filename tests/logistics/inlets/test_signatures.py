"""Who may tell: each sender's own signature, over the very bytes."""

import hmac
from datetime import timedelta
from hashlib import sha256

import pytest

from tests.logistics.inlets.letters import (
    INLETS,
    NOW,
    SECRET,
    body_of,
    delivery,
    raw,
    sample,
    secret_of,
    signature,
)

SYSTEMS = sorted(INLETS)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_delivery_is_signed_with_its_senders_secret(system: str) -> None:
    assert INLETS[system].signed(delivery(system, sample(system)), secret_of(system))


@pytest.mark.parametrize("system", SYSTEMS)
def test_another_secret_does_not_fit(system: str) -> None:
    assert not INLETS[system].signed(delivery(system, sample(system)), "another-secret")


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_changed_byte_is_seen(system: str) -> None:
    secret = secret_of(system)
    body = body_of(system, sample(system), secret)
    headers = signature(system, body, secret)
    at = body.index(b"2026")
    changed = body[:at] + b"2027" + body[at + 4 :]
    assert not INLETS[system].signed(raw(system, changed, headers), secret)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("header", ["", "é", "v1,", "t=,v1=", "hmac-sha256-hex=", "t=9999999999999,v1=0"])
def test_no_signature_and_a_broken_one_are_wrong(system: str, header: str) -> None:
    names = signature(system, b"{}", secret_of(system))
    headers = {name: header for name in names if name != "content-type"} if header else {}
    assert not INLETS[system].signed(raw(system, b"{}", headers), secret_of(system))


@pytest.mark.parametrize("system", ["shippo", "scans"])
@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time_is_a_repetition(system: str, minutes: int) -> None:
    old = delivery(system, sample(system), at=NOW + timedelta(minutes=minutes))
    assert not INLETS[system].signed(old, secret_of(system))


def test_aftership_signs_in_the_header_of_its_newer_products_too() -> None:
    body = body_of("aftership", sample("aftership"), SECRET)
    headers = {"as-signature-hmac-sha256": signature("aftership", body, SECRET)["aftership-hmac-sha256"]}
    assert INLETS["aftership"].signed(raw("aftership", body, headers), SECRET)


@pytest.mark.parametrize("stamp", ["2026-03-02T18:01:00Z", "Mon, 02 Mar 2026 18:01:00 +0000"])
def test_easyposts_newer_signature_covers_its_time_and_path(stamp: str) -> None:
    body = body_of("easypost", sample("easypost"), SECRET)
    message = f"{stamp}POST/inlets/easypost".encode() + body
    digest = hmac.new(SECRET.encode(), message, sha256).hexdigest()
    headers = {"x-timestamp": stamp, "x-path": "/inlets/easypost"}
    for given in (digest, f"hmac-sha256-hex={digest}"):
        told = raw("easypost", body, {**headers, "x-hmac-signature-v2": given})
        assert INLETS["easypost"].signed(told, SECRET)
    old = {**headers, "x-timestamp": "2026-03-02T17:00:00Z", "x-hmac-signature-v2": digest}
    assert not INLETS["easypost"].signed(raw("easypost", body, old), SECRET)


def test_shippo_may_come_with_a_token_in_the_address_instead() -> None:
    body = body_of("shippo", sample("shippo"), SECRET)
    shippo = INLETS["shippo"]
    assert shippo.signed(raw("shippo", body, {}, {"token": SECRET}), SECRET)
    assert not shippo.signed(raw("shippo", body, {}, {"token": "another"}), SECRET)
    assert not shippo.signed(raw("shippo", body, {}), SECRET)
    wrong = {"shippo-auth-signature": "t=1,v1=00"}
    assert not shippo.signed(raw("shippo", body, wrong, {"token": SECRET}), SECRET)


def test_one_of_several_signatures_is_enough_while_a_secret_is_rotated() -> None:
    secret = secret_of("scans")
    told = delivery("scans", sample("scans"))
    both = {**told.headers, "webhook-signature": f"v1,AAAA {told.headers['webhook-signature']}"}
    assert INLETS["scans"].signed(raw("scans", told.body, both), secret)
