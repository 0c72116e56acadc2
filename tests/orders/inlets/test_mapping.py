"""What each sample payload tells, what of it is left, and what is refused."""

import json
from typing import Any, cast, get_args

import pytest

from services.orders.inlets.tables import TABLES, is_reason, read_tables
from shared.contracts.facts import TAKEN_BY, AnyFact, PassedFact, Sighting
from shared.kernel.inlets import Read, Reading, Unreadable
from tests.orders.inlets.expected import BUYER_ONE, EXPECTED, LEFT, OTHERWISE, PLACED, SHOPIFY, Told
from tests.orders.inlets.posting import BY_SYSTEM, NAMES, Posted, post_of, sample, system_of, written


def reading(name: str, payload: Any = None, **headers: str) -> Reading:
    """What an inlet makes of a sample, or of another payload in its place."""
    posted = post_of(name)
    body = posted.body if payload is None else written(payload)
    delivery = Posted(body, {**posted.headers, **headers}).delivery()
    return BY_SYSTEM[system_of(name)].read(delivery)


def told(name: str, payload: Any = None, **headers: str) -> Read:
    """What an inlet tells of it."""
    found = reading(name, payload, **headers)
    assert isinstance(found, Read), found
    return found


def shown(fact: AnyFact | Sighting) -> Told:
    """A fact in a few words."""
    assert not isinstance(fact, Sighting)
    return fact.fact, fact.at.strftime("%H:%M"), fact.data.model_dump(mode="json", exclude_defaults=True)


def test_every_sample_is_expected_to_tell_something_or_to_be_left() -> None:
    assert set(NAMES) == set(EXPECTED) | set(LEFT) | OTHERWISE


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_tells_its_facts(name: str) -> None:
    order_id, expected = EXPECTED[name]
    found = told(name)
    assert {getattr(fact, "order_id", None) for fact in found.facts} == {order_id}
    wanted = [(kind, at, PLACED[order_id] if body is None else body) for kind, at, body in expected]
    assert [shown(fact) for fact in found.facts] == wanted


@pytest.mark.parametrize("name", LEFT)
def test_a_payload_of_which_nothing_can_be_told_says_why(name: str) -> None:
    found = told(name)
    assert found.facts == ()
    assert LEFT[name] in found.left[0]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"generic-one", "generic-several"}))
def test_what_is_told_again_has_the_same_id_whatever_else_changed(name: str) -> None:
    headers, payload = sample(name)
    payload["a_field_of_tomorrow"] = {"deep": [1, 2.5, None]}
    if system_of(name) in {"shopify", "woocommerce"}:
        payload["note"] = payload["customer_note"] = "another note"
    again = told(name, payload, **headers)
    assert [fact.id for fact in again.facts] == [fact.id for fact in told(name).facts]


def test_cash_on_delivery_is_told_as_paid_and_the_answer_says_so() -> None:
    name = "woocommerce-order-updated-paid"
    _, payload = sample(name)
    payload |= {"payment_method": "cod", "date_paid_gmt": None}
    read = told(name, payload)
    assert [fact.fact for fact in read.facts] == ["order.placed", "order.paid"]
    assert [left.split(":")[0] for left in read.left] == ["payment_method"]
    assert not told(name, payload | {"date_paid_gmt": "2026-03-02T12:20:00"}).left


def test_all_versions_of_shopify_tell_the_same_of_the_same_order() -> None:
    of_2024 = told("shopify-orders-create-2024-01")
    assert of_2024 == told("shopify-orders-create-2025-01")
    newest = told("shopify-orders-create-2026-07")
    (placed,) = newest.facts
    assert shown(placed)[2] == {
        **PLACED[SHOPIFY],
        "buyer_id": f"guest-{SHOPIFY}",
        "receiver": {key: BUYER_ONE[key] for key in BUYER_ONE if key not in {"phone", "email"}},
    }
    assert newest.left == ("receiver.phone: it is not written as such a thing is",)


@pytest.mark.parametrize("version", ["2023-10", "2019-04", "2026-10", "unstable", "", "2024-1"])
def test_a_version_of_shopify_that_nobody_has_mapped_is_refused(version: str) -> None:
    found = reading("shopify-orders-create-2025-01", None, **{"x-shopify-api-version": version})
    assert isinstance(found, Unreadable)
    assert found.field == "X-Shopify-Api-Version"
    assert "2024-01" in found.expected


@pytest.mark.parametrize("version", TABLES["shopify_versions"].words)
def test_every_mapped_version_of_shopify_is_read(version: str) -> None:
    found = told("shopify-orders-create-2025-01", None, **{"x-shopify-api-version": version})
    assert len(found.facts) == 1


@pytest.mark.parametrize("system", sorted(BY_SYSTEM))
def test_what_an_inlet_may_tell_is_taken_by_orders_or_passed_on(system: str) -> None:
    passed = {kind.model_fields["fact"].default for kind in get_args(get_args(PassedFact)[0])}
    for name in NAMES:
        if system_of(name) == system:
            for fact in told(name).facts:
                kind = getattr(fact, "fact", "sighting")
                assert TAKEN_BY[kind] == "orders" or kind in passed


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("authorized", ["order.placed"]),
        ("partially_paid", ["order.placed"]),
        ("voided", ["order.placed"]),
        ("refunded", ["order.placed", "order.paid"]),
        ("a_status_of_tomorrow", ["order.placed"]),
    ],
)
def test_only_money_that_has_arrived_is_told_as_paid(status: str, kinds: list[str]) -> None:
    _, payload = sample("shopify-orders-create-2025-01")
    found = told("shopify-orders-create-2025-01", {**payload, "financial_status": status})
    assert [shown(fact)[0] for fact in found.facts] == kinds
    assert (len(kinds) == 1) == any(why.startswith("financial_status") for why in found.left)


def _refund(**changes: Any) -> Any:
    _, payload = sample("shopify-refunds-create-2025-10")
    payload["transactions"][0].update(changes)
    return payload


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "pending"}, "no money has gone back"),
        ({"status": "failure"}, "no money has gone back"),
        ({"kind": "void"}, "no money has gone back"),
        ({"currency": "EUR"}, "in another currency than the shop's"),
    ],
)
def test_only_money_of_the_shop_that_has_gone_back_is_told(changes: dict[str, str], why: str) -> None:
    found = told("shopify-refunds-create-2025-10", _refund(**changes))
    assert found.facts == ()
    assert why in found.left[0]


def test_money_that_went_back_in_several_transactions_is_one_refund() -> None:
    payload = _refund(amount="50.00")
    payload["transactions"].append({**payload["transactions"][0], "id": 2, "amount": "39.99"})
    payload["refund_line_items"] = []
    (fact,) = told("shopify-refunds-create-2025-10", payload).facts
    assert shown(fact)[2] == {"refund_id": "shopify-890088186047892319", "amount": "89.99"}


def test_the_amount_of_a_refund_may_come_with_the_refund_itself() -> None:
    _, payload = sample("taobao-refund-success-without-amount")
    payload["refund"] = {"refund_id": 7001, "refund_fee": "12.00"}
    (fact,) = told("taobao-refund-success-without-amount", payload).facts
    assert (shown(fact)[2] or {})["amount"] == "12.00"
    payload["refund"]["refund_id"] = 7002
    assert isinstance(reading("taobao-refund-success-without-amount", payload), Unreadable)


def test_a_tracking_number_that_comes_later_is_another_fact_about_the_same_parcel() -> None:
    _, payload = sample("shopify-fulfillments-update-2025-10")
    first = told("shopify-fulfillments-update-2025-10")
    payload.update(tracking_number="1Z999AA10123456785", tracking_numbers=["1Z999AA10123456785", "1Z-2"])
    second = told("shopify-fulfillments-update-2025-10", payload)
    assert first.facts[0].id != second.facts[0].id
    assert "all but the first" in second.left[0]


def test_an_enriched_payload_about_another_order_is_refused() -> None:
    for name, at, field in (
        ("wechat_shop-order-pay", ("order", "order_id"), "order.order_id"),
        ("taobao-trade-create", ("trade", "tid"), "trade.tid"),
        ("medusa-order-placed", ("order", "id"), "order.id"),
        ("wechat_shop-aftersale-update", ("after_sale_order", "order_id"), "after_sale_order."),
        ("taobao-refund-buyer-return-goods", ("refund", "refund_id"), "refund.refund_id"),
    ):
        _, payload = sample(name)
        payload[at[0]][at[1]] = "999"
        found = reading(name, payload)
        assert isinstance(found, Unreadable), name
        assert found.field.startswith(field)


def test_a_part_of_a_trade_that_is_paid_or_closed_is_not_taken_for_the_whole() -> None:
    for name in ("taobao-trade-buyer-pay-bare", "taobao-trade-close-bare"):
        _, payload = sample(name)
        content = {**json.loads(payload["content"]), "oid": 1}
        found = told(name, {**payload, "content": json.dumps(content)})
        assert found.facts == ()
        assert "post it with `trade`" in found.left[0]


def test_a_buyers_nickname_stays_out_of_what_is_told() -> None:
    _, payload = sample("taobao-trade-create")
    del payload["trade"]["buyer_open_uid"]
    (placed,) = told("taobao-trade-create", payload).facts
    buyer = shown(placed)[2]
    assert buyer is not None
    assert buyer["buyer_id"].startswith("nick-")
    assert "买家四" not in buyer["buyer_id"]


@pytest.mark.parametrize(
    "status",
    [word for word, meaning in TABLES["wechat_aftersale_status"].words.items() if is_reason(meaning)],
)
def test_a_case_of_the_platform_that_is_past_its_request_is_left_with_a_reason(status: str) -> None:
    _, payload = sample("wechat_shop-aftersale-update")
    payload["finder_shop_aftersale_status_update"]["status"] = status
    assert told("wechat_shop-aftersale-update", payload).facts == ()


def test_a_table_without_a_source_or_with_an_empty_word_is_refused() -> None:
    for text in (
        "t: {words: {a: b}}",
        "t: {source: somewhere else, words: {}}",
        "t: {source: x, words: {a: b}}",
    ):
        with pytest.raises(ValueError, match="t"):
            read_tables(text)


@pytest.mark.parametrize(
    ("fact", "data"),
    [
        ("payment.failed", {"reason": "card_declined"}),
        ("stock.short", {"lines": ["1"]}),
        ("instruction.acknowledged", {"wish_id": "courier-1"}),
    ],
)
def test_what_the_warehouse_and_the_payment_provider_tell_is_taken_too(
    fact: str, data: dict[str, Any]
) -> None:
    _, payload = sample("generic-one")
    found = told("generic-one", {**payload, "fact": fact, "data": data})

    assert [getattr(each, "fact", None) for each in found.facts] == [fact]


def test_freight_without_a_price_for_each_of_its_lines_is_not_told() -> None:
    _, payload = sample("shopify-orders-create-2025-01")
    (line,) = payload["shipping_lines"]

    def freight(*lines: dict[str, Any]) -> str | None:
        placed = told("shopify-orders-create-2025-01", {**payload, "shipping_lines": lines}).facts[0]
        return cast("str | None", placed.data.model_dump(mode="json")["freight"])

    cheaper = {**line, "discount_allocations": [{"amount": "4.00"}]}
    assert freight(line, cheaper) == "16.00"
    assert freight({**line, "is_removed": True}, cheaper) == "6.00"
    assert freight({**line, "price": None}, cheaper) is None
    assert freight() is None
