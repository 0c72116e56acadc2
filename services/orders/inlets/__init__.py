"""Inlets of orders: shop platforms' payloads as facts, one module a platform. No clock, no calls out."""

from typing import Final

from services.orders.inlets import generic, medusa, shopify, taobao, wechat_shop, woocommerce
from shared.kernel.inlets import Inlet

INLETS: Final[tuple[Inlet, ...]] = (
    shopify.INLET,
    woocommerce.INLET,
    wechat_shop.INLET,
    taobao.INLET,
    medusa.INLET,
    generic.INLET,
)
