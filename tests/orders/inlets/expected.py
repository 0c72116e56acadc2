"""What each sample payload is expected to tell, and of which nothing can be told."""

from typing import Any

SHOPIFY, WECHAT, TAOBAO = "820982911946154508", "3705115058471208928", "58681907060570486"
BUYER_ONE = {
    "name": "Buyer One",
    "phone": "+1 555 0100",
    "email": "buyer.one@example.com",
    "country": "United States",
    "state": "New York",
    "city": "Sampleton",
    "postal_code": "10001",
    "address": "1 Sample Street",
}
PLACED: dict[str, dict[str, Any]] = {
    SHOPIFY: {
        "shop_id": "demo",
        "platform": "shopify",
        "buyer_id": "115310627314723954",
        "currency": "USD",
        "total": "379.97",
        "freight": "10.00",
        "lines": [
            {
                "line_id": "487817672276298554",
                "sku": "SKU2006-001",
                "name": "Aviator sunglasses",
                "quantity": 2,
                "amount": "159.98",
            },
            {
                "line_id": "315789986012684393",
                "sku": "SKU2006-035",
                "name": "Coffee table",
                "quantity": 1,
                "amount": "209.99",
            },
        ],
        "ship_service": "Standard Class",
        "receiver": BUYER_ONE,
    },
    "demo-727": {
        "shop_id": "demo",
        "platform": "woocommerce",
        "buyer_id": "demo-guest-727",
        "currency": "USD",
        "total": "29.35",
        "freight": "10.00",
        "lines": [
            {
                "line_id": "315",
                "sku": "product-93",
                "name": "Woo Single #1",
                "quantity": 2,
                "amount": "6.00",
            },
            {
                "line_id": "316",
                "sku": "Bar3",
                "name": "Ship Your Idea – Color: Black, Size: M Test",  # as WooCommerce writes it
                "quantity": 1,
                "amount": "12.00",
            },
        ],
        "ship_service": "Flat Rate",
        "receiver": {
            "name": "Buyer Two",
            "phone": "(555) 555-0101",
            "email": "buyer.two@example.com",
            "country": "US",
            "state": "CA",
            "city": "Sampleton",
            "postal_code": "94103",
            "address": "2 Sample Street",
        },
    },
    WECHAT: {
        "shop_id": "demo",
        "platform": "wechat_shop",
        "buyer_id": "OPENID-3",
        "currency": "CNY",
        "total": "45",
        "freight": "5",
        "lines": [
            {"line_id": "234245-23424", "sku": "RING-1", "name": "健身环", "quantity": 2, "amount": "40"}
        ],
        "receiver": {
            "name": "买家三",
            "phone": "+86 10 0000 0000",
            "state": "广东省",
            "city": "广州市",
            "postal_code": "510000",
            "address": "海珠区 样例路3号",
        },
    },
    TAOBAO: {
        "shop_id": "demo",
        "platform": "taobao",
        "buyer_id": "AAHd-sample",
        "currency": "CNY",
        "total": "45.00",
        "freight": "5.00",
        "lines": [
            {"line_id": TAOBAO, "sku": "CUP-RED", "name": "样例杯子", "quantity": 2, "amount": "40.00"}
        ],
        "ship_service": "express",
        "receiver": {
            "name": "买家四",
            "phone": "+86 10 0000 0001",
            "state": "浙江省",
            "city": "杭州市",
            "postal_code": "310000",
            "address": "西湖区 样例路4号",
        },
    },
    "order_01SAMPLE": {
        "shop_id": "demo",
        "platform": "medusa",
        "buyer_id": "cus_01SAMPLE",
        "currency": "EUR",
        "total": "30.5",
        "freight": "5",
        "lines": [
            {
                "line_id": "ordli_01",
                "sku": "SHIRT-M-BLUE",
                "name": "Medusa Shirt",
                "quantity": 3,
                "amount": "25.5",
            }
        ],
        "ship_service": "Express Shipping",
        "receiver": {
            "name": "Buyer Five",
            "phone": "+49 30 000000",
            "email": "buyer.five@example.com",
            "country": "DE",
            "city": "Sampleton",
            "postal_code": "10115",
            "address": "5 Sample Street",
        },
    },
}
Told = tuple[str, str, dict[str, Any] | None]
SHOPIFY_PAID = {"amount": "379.97", "payment_id": f"shopify-{SHOPIFY}"}
WOO_PAID = {"amount": "29.35", "payment_id": "txn-100"}
WECHAT_PAID = {"amount": "45", "payment_id": "131456479687"}
TAOBAO_PAID = {"amount": "45.00", "payment_id": f"taobao-{TAOBAO}"}
MEDUSA_PAID = {"amount": "30.5", "payment_id": "pay_01SAMPLE"}

EXPECTED: dict[str, tuple[str, list[Told]]] = {
    "shopify-orders-create-2024-01": (SHOPIFY, [("order.placed", "12:00", None)]),
    "shopify-orders-create-2025-01": (SHOPIFY, [("order.placed", "12:00", None)]),
    "shopify-orders-updated-2025-10": (
        SHOPIFY,
        [("order.placed", "12:00", None), ("order.paid", "13:00", SHOPIFY_PAID)],
    ),
    "shopify-orders-paid-2025-10": (
        SHOPIFY,
        [("order.placed", "12:00", None), ("order.paid", "12:30", SHOPIFY_PAID)],
    ),
    "shopify-orders-cancelled-2025-10": (
        SHOPIFY,
        [
            ("order.placed", "12:00", None),
            ("order.paid", "14:00", SHOPIFY_PAID),
            ("order.cancelled", "14:00", {"reason": "customer", "paid_back": True}),
        ],
    ),
    "shopify-fulfillments-update-2025-10": (
        SHOPIFY,
        [
            (
                "shipment.dispatched",
                "15:00",
                {
                    "parcel_id": "255858046",
                    "carrier": "ups",
                    "tracking_no": "1Z999AA10123456784",
                    "lines": ["487817672276298554", "315789986012684393"],
                },
            )
        ],
    ),
    "shopify-refunds-create-2025-10": (
        SHOPIFY,
        [
            (
                "refund.paid",
                "15:00",
                {
                    "refund_id": "shopify-890088186047892319",
                    "amount": "89.99",
                    "lines": ["487817672276298554"],
                },
            )
        ],
    ),
    "woocommerce-order-updated-partly-refunded": (
        "demo-727",
        [
            ("order.placed", "12:00", None),
            ("order.paid", "12:20", WOO_PAID),
            ("refund.paid", "12:20", {"refund_id": "woocommerce-demo-727-726", "amount": "10.00"}),
            ("refund.paid", "12:20", {"refund_id": "woocommerce-demo-727-728", "amount": "2.50"}),
        ],
    ),
    "woocommerce-order-created": ("demo-727", [("order.placed", "12:00", None)]),
    "woocommerce-order-updated-paid": (
        "demo-727",
        [("order.placed", "12:00", None), ("order.paid", "12:20", WOO_PAID)],
    ),
    "woocommerce-order-updated-cancelled": (
        "demo-727",
        [
            ("order.placed", "12:00", None),
            ("order.cancelled", "13:00", {"reason": "cancelled", "by": "shop"}),
        ],
    ),
    "woocommerce-order-updated-refunded": (
        "demo-727",
        [
            ("order.placed", "12:00", None),
            ("order.paid", "12:20", WOO_PAID),
            ("order.cancelled", "14:00", {"reason": "refunded", "by": "shop", "paid_back": True}),
        ],
    ),
    "wechat_shop-order-new": (WECHAT, [("order.placed", "12:00", None)]),
    "wechat_shop-order-pay": (
        WECHAT,
        [("order.placed", "12:00", None), ("order.paid", "12:20", WECHAT_PAID)],
    ),
    "wechat_shop-order-deliver": (
        WECHAT,
        [
            ("order.placed", "12:00", None),
            ("order.paid", "12:20", WECHAT_PAID),
            (
                "shipment.dispatched",
                "13:10",
                {
                    "parcel_id": "sf-SF1000000000001",
                    "carrier": "sf",
                    "tracking_no": "SF1000000000001",
                    "lines": ["234245-23424"],
                },
            ),
        ],
    ),
    "wechat_shop-order-cancel-bare": (
        WECHAT,
        [("order.cancelled", "13:43", {"reason": "cancel_type_1"})],
    ),
    "wechat_shop-aftersale-update": (
        WECHAT,
        [
            (
                "refund.requested",
                "13:26",
                {
                    "case_id": "1234567",
                    "kind": "return_and_refund",
                    "reason": "no_longer_want",
                    "amount": "20",
                    "lines": ["234245-23424"],
                },
            )
        ],
    ),
    "wechat_shop-aftersale-update-sent-back": (
        WECHAT,
        [
            (
                "return.shipped",
                "13:41",
                {"case_id": "1234567", "carrier": "yto", "tracking_no": "YT200000001"},
            )
        ],
    ),
    "wechat_shop-aftersale-update-refunded": (
        WECHAT,
        [
            (
                "refund.paid",
                "13:41",
                {
                    "refund_id": "wechat_shop-1234567",
                    "amount": "20",
                    "lines": ["234245-23424"],
                    "case_id": "1234567",
                },
            )
        ],
    ),
    "taobao-refund-success-bare": (
        TAOBAO,
        [
            (
                "refund.paid",
                "13:30",
                {"refund_id": "taobao-7001", "amount": "20.00", "lines": [TAOBAO], "case_id": "7001"},
            )
        ],
    ),
    "taobao-trade-create": (TAOBAO, [("order.placed", "12:00", None)]),
    "taobao-trade-buyer-pay-bare": (TAOBAO, [("order.paid", "20:00", TAOBAO_PAID)]),
    "taobao-trade-seller-ship": (
        TAOBAO,
        [
            ("order.placed", "12:00", None),
            ("order.paid", "12:10", TAOBAO_PAID),
            (
                "shipment.dispatched",
                "13:00",
                {
                    "parcel_id": "圆通速递-YT300000001",
                    "carrier": "圆通速递",
                    "tracking_no": "YT300000001",
                    "lines": [TAOBAO],
                },
            ),
        ],
    ),
    "taobao-trade-close-bare": (
        TAOBAO,
        [("order.cancelled", "20:00", {"reason": "trade_closed_by_taobao", "by": "platform"})],
    ),
    "taobao-refund-created-bare": (
        TAOBAO,
        [
            (
                "refund.requested",
                "13:30",
                {
                    "case_id": "7001",
                    "kind": "return_and_refund",
                    "reason": "not_told",
                    "amount": "20.00",
                    "lines": [TAOBAO],
                },
            )
        ],
    ),
    "taobao-refund-buyer-return-goods": (
        TAOBAO,
        [
            (
                "return.shipped",
                "13:30",
                {"case_id": "7001", "carrier": "圆通速递", "tracking_no": "YT300000002"},
            )
        ],
    ),
    "medusa-order-placed": ("order_01SAMPLE", [("order.placed", "12:00", None)]),
    "medusa-order-fulfillment-created": (
        "order_01SAMPLE",
        [
            ("order.placed", "12:00", None),
            ("order.paid", "12:05", MEDUSA_PAID),
            (
                "shipment.dispatched",
                "14:00",
                {
                    "parcel_id": "ful_01SAMPLE",
                    "carrier": "manual_manual",
                    "tracking_no": "00340434161094042557",
                    "lines": ["ordli_01"],
                },
            ),
        ],
    ),
    "medusa-order-canceled": (
        "order_01SAMPLE",
        [
            ("order.placed", "12:00", None),
            ("order.cancelled", "15:00", {"reason": "canceled", "by": "shop"}),
        ],
    ),
}
LEFT: dict[str, str] = {
    "shopify-fulfillments-create-2025-10": "tracking_number: told when",
    "taobao-refund-success-without-amount": "it names no amount",
    "wechat_shop-order-new-bare": "order_info: it names the order only",
    "wechat_shop-order-pay-bare": "order_info: it names the order only",
    "wechat_shop-aftersale-update-bare": "it names the order only",
    "taobao-trade-create-bare": "post it with `trade`",
    "medusa-order-placed-bare": "post it with `order`",
}
OTHERWISE = {"shopify-orders-create-2026-07", "generic-one", "generic-several"}
