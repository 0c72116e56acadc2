"""Who signed: each platform's own scheme, held to published examples where there are some."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.orders.inlets import wechat_cipher, wechat_shop, woocommerce
from shared.kernel.inlets import Delivery, Unreadable
from shared.kernel.signatures import SIGNATURES_MAX, standard_webhooks
from tests.orders.inlets.posting import (
    BY_SYSTEM,
    ENTRIES,
    NOW,
    SECRETS,
    TOKEN,
    Posted,
    encrypted,
    post_of,
    sample,
    sign,
    standard_webhook,
    system_of,
)

ONE_OF_EACH = (
    "shopify-orders-create-2025-01",
    "woocommerce-order-created",
    "wechat_shop-order-pay",
    "taobao-trade-create",
    "medusa-order-placed",
    "generic-one",
)


def test_every_platform_has_a_sample_here_and_an_inlet() -> None:
    assert {system_of(name) for name in ONE_OF_EACH} == set(BY_SYSTEM) == {it["system"] for it in ENTRIES}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_platforms_own_signature_opens_its_inlet_and_nothing_else_does(name: str) -> None:
    system = system_of(name)
    signed, posted = BY_SYSTEM[system].signed, post_of(name)
    assert signed(posted.delivery(), SECRETS[system])
    other_body = Posted(posted.body + b" ", posted.headers, posted.query)
    assert not signed(other_body.delivery(), SECRETS[system])
    assert not signed(posted.delivery(), "another-secret:x")
    assert not signed(Posted(posted.body, {}).delivery(), SECRETS[system])
    odd = dict.fromkeys(posted.headers, "ключ�")
    assert not signed(Posted(posted.body, odd).delivery(), SECRETS[system])


def test_standard_webhooks_own_example_is_signed() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,bm90IHRoZSBzaWc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    delivery = Delivery("demo", b'{"test": 2432232314}', at, headers)
    assert standard_webhooks(delivery, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest.mark.parametrize(
    ("late", "taken"), [(299, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_a_standard_webhook_is_a_replay_after_five_minutes(late: int, taken: bool) -> None:
    posted = standard_webhook(b"{}", SECRETS["generic"], "m-1", NOW - timedelta(seconds=late))
    assert standard_webhooks(posted.delivery(), SECRETS["generic"]) is taken


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e9", "9" * 40, "\u0661\u0662"])
def test_a_standard_webhook_without_a_real_time_is_not_signed(timestamp: str) -> None:
    posted = standard_webhook(b"{}", "plain-secret", "m-1", NOW)
    assert standard_webhooks(posted.delivery(), "plain-secret")
    wrong = Posted(b"{}", {**posted.headers, "webhook-timestamp": timestamp})
    assert not standard_webhooks(wrong.delivery(), "plain-secret")


def test_a_secret_that_is_no_base64_after_its_prefix_signs_nothing() -> None:
    secret = "whsec_not base64!"
    signed_as_text = standard_webhook(b"{}", "not base64!", "m-1", NOW)
    signed_as_it_is = standard_webhook(b"{}", " " + secret, "m-1", NOW)
    assert standard_webhooks(signed_as_it_is.delivery(), " " + secret)
    assert not standard_webhooks(signed_as_text.delivery(), secret)


def test_of_very_many_signatures_only_the_first_are_tried() -> None:
    posted = standard_webhook(b"{}", "plain-secret", "m-1", NOW)
    right = posted.headers["webhook-signature"]
    for others, taken in ((SIGNATURES_MAX - 1, True), (SIGNATURES_MAX, False)):
        told = " ".join([*["v1,bm8="] * others, right])
        many = Posted(b"{}", {**posted.headers, "webhook-signature": told})
        assert standard_webhooks(many.delivery(), "plain-secret") is taken


def test_wechats_own_examples_are_signed() -> None:
    tried = wechat_cipher.signature("AAAAA", "1714036504", "1514711492")
    assert tried == "f464b24fc39322e44b38aa78f5edd27bd1441696"
    event = wechat_cipher.signature("token", "1714112445", "415670741", "EncryptValue")
    assert event == "03de89c50e642c93033dd7f4ef86a8356e80e345"


def test_wechat_gets_its_echo_back_once_it_has_signed() -> None:
    query = {"timestamp": "1714036504", "nonce": "1514711492", "echostr": "4375120948345356249"}
    query["signature"] = wechat_cipher.signature(TOKEN, query["timestamp"], query["nonce"])
    delivery = Delivery("demo", b"", NOW, {}, query)
    assert wechat_shop.signed(delivery, SECRETS["wechat_shop"])
    assert wechat_shop.greet(delivery) == b"4375120948345356249"
    assert not wechat_shop.signed(delivery, "other-token:x")


def test_wechats_event_is_opened_with_the_key_of_its_inlet() -> None:
    _, payload = sample("wechat_shop-order-cancel-bare")
    posted, secret = encrypted(payload), SECRETS["wechat_shop"]
    delivery = posted.delivery()
    assert wechat_shop.signed(delivery, secret)
    found = wechat_shop.opened(delivery, secret)
    assert isinstance(found, Delivery)
    assert b"channels_ec_order_cancel" in found.body


def test_an_event_that_wechat_encrypted_for_another_app_is_not_taken_where_the_secret_names_one() -> None:
    delivery, secret = encrypted({"Event": "channels_ec_order_new"}).delivery(), SECRETS["wechat_shop"]
    assert wechat_shop.signed(delivery, f"{secret}:wx-other-app")
    assert isinstance(wechat_shop.opened(delivery, f"{secret}:wx-sample-app"), Delivery)
    found = wechat_shop.opened(delivery, f"{secret}:wx-other-app")
    assert isinstance(found, Unreadable)
    assert found.got == "one for another app"


def test_a_plain_event_with_wechats_old_signature_is_refused_since_that_is_not_over_the_body() -> None:
    _, payload = sample("wechat_shop-order-cancel-bare")
    query = {"timestamp": "1", "nonce": "2", "signature": wechat_cipher.signature(TOKEN, "1", "2")}
    body = sign("shopify", {}, b"{}").body
    assert not wechat_shop.signed(Delivery("demo", body, NOW, {}, query), SECRETS["wechat_shop"])
    assert not wechat_shop.signed(Delivery("demo", b"[]", NOW, {}, query), SECRETS["wechat_shop"])
    assert not wechat_shop.signed(Delivery("demo", b"<xml/>", NOW, {}, query), SECRETS["wechat_shop"])
    assert payload["Event"] == "channels_ec_order_cancel"


@pytest.mark.parametrize("secret", [f"{TOKEN}:" + "B" * 43, f"{TOKEN}:short", TOKEN, f"{TOKEN}:" + "!" * 43])
def test_an_event_that_the_key_does_not_open_says_what_is_wrong(secret: str) -> None:
    delivery = encrypted({"Event": "channels_ec_order_new"}).delivery()
    assert wechat_shop.signed(delivery, secret), "the token alone signs"
    found = wechat_shop.opened(delivery, secret)
    assert isinstance(found, Unreadable)
    assert found.field == "Encrypt"


@pytest.mark.parametrize("text", ["", "no base64", "AAAA", "QUJD" * 16, "é"])
def test_a_cipher_text_that_is_none_is_not_opened(text: str) -> None:
    assert wechat_cipher.opened(text, b"k" * 32) is None


def test_the_ping_of_woocommerce_is_known_by_its_form_and_a_signed_body_is_none() -> None:
    ping = replace(Posted(b"webhook_id=8").delivery(), form={"webhook_id": "8"})
    assert woocommerce.tries(ping)
    assert not woocommerce.tries(Posted(b"{}").delivery())
    assert not woocommerce.tries(replace(ping, headers={"x-wc-webhook-signature": "x"}))
