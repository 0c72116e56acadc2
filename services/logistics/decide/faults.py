"""Whose fault an exception is, read from the carrier's words where it does not say."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.contracts.base import Frozen
from shared.contracts.facts import Fault


class Cause(Frozen):
    """What an exception is about, in a word of ours, and whose fault it is."""

    reason: str
    fault: Fault


UNSPECIFIED: Final = Cause(reason="unspecified", fault="unknown")

FAILS: Final[frozenset[Fault]] = frozenset(("carrier", "weather", "customs", "unknown"))
"""Whose fault an exception is for the parcel to count as standing: not the shop's and not the buyer's, who
put their own right."""

REASONS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "unspecified": "unknown",
        "damaged": "carrier",
        "missorted": "carrier",
        "lost": "carrier",
        "carrier_delay": "carrier",
        "not_enough_time": "carrier",
        "rejected_by_carrier": "shop",
        "packaging": "shop",
        "cancelled": "shop",
        "address_not_found": "buyer",
        "incorrect_address": "buyer",
        "moved": "buyer",
        "refused": "buyer",
        "not_home": "buyer",
        "business_closed": "buyer",
        "unreachable": "buyer",
        "unclaimed": "buyer",
        "payment_due": "buyer",
        "access_restricted": "buyer",
        "out_of_area": "unknown",
        "held": "unknown",
        "security": "unknown",
        "delayed": "unknown",
        "delivery_attempted": "unknown",
        "undeliverable": "unknown",
        "customs": "customs",
        "customs_documentation": "customs",
        "customs_duties_unpaid": "buyer",
        "weather": "weather",
        "natural_disaster": "weather",
    }
)
"""Our words for what can go wrong, and whose fault each is unless a carrier says otherwise.

They cover Karrio's TrackingIncidentReason (karrioapi/karrio, core/units.py and the connectors' maps), whose
groups say whose fault it is: carrier_*, retailer_* (ours: shop), consignee_* (ours: buyer), customs_*,
weather_*. An address that can't be found is the buyer's with us, since the buyer gave it."""

TABLE: Final[tuple[tuple[str, Fault, str], ...]] = (
    ("customs_duties_unpaid", "buyer", "duties unpaid|duties are unpaid|unpaid duties|关税未付|待缴税"),
    ("customs_documentation", "customs", "customs document|missing customs doc|清关资料"),
    ("customs", "customs", "customs|clearance|import duty|import duties|清关|海关"),
    ("natural_disaster", "weather", "natural disaster|earthquake|地震|洪水|自然灾害"),
    ("weather", "weather", "weather|storm|snow|flood|hurricane|typhoon|天气|台风|暴雨|暴雪"),
    (
        "address_not_found",
        "buyer",
        "address not found|no such address|unknown address|unable to locate|地址不详",
    ),
    ("incorrect_address", "buyer", "incorrect address|wrong address|invalid address|insufficient address"),
    ("incorrect_address", "buyer", "incomplete address|address incomplete|bad address|地址错误"),
    ("moved", "buyer", "has moved|relocated|迁址|搬迁"),
    ("refused", "buyer", "refused|rejected by recipient|拒收|拒签|拒绝签收"),
    ("not_home", "buyer", "not home|nobody home|no one home|no one available"),
    ("not_home", "buyer", "not available|recipient absent|business closed|无人签收"),
    ("unreachable", "buyer", "unable to contact|无法联系|电话无人接听|无人接听|电话无法接通|联系不上"),
    ("access_restricted", "buyer", "access restricted|unable to access|no access to|无法进入"),
    ("unclaimed", "buyer", "unclaimed|not collected|超时未取|逾期未取"),
    ("packaging", "shop", "poor packaging|insufficient packaging|label missing|missing label"),
    ("packaging", "shop", "label unreadable|unreadable label|prohibited|dangerous goods|违禁"),
    ("damaged", "carrier", "damage|破损"),
    ("lost", "carrier", "parcel lost|package lost|shipment lost|遗失|丢失"),
    ("missorted", "carrier", "missort|mis-sort|misrouted|sorting error|wrong facility|分拣错误|错分"),
    ("out_of_area", "unknown", "out of area|outside the delivery area|超区|超出派送范围"),
    ("carrier_delay", "carrier", "vehicle|mechanical|breakdown|capacity|operational|missed connection|爆仓"),
    ("carrier_delay", "carrier", "滞留"),
    ("held", "unknown", "buyer_action_required|held at"),
    ("delivery_attempted", "unknown", "attempted_delivery|attempted delivery|delivery attempt"),
    ("undeliverable", "unknown", "undeliverable|派送失败|派件失败|投递失败|签收失败"),
    ("delayed", "unknown", "delayed|延误"),
)
"""Our word, whose fault it is, and what carriers write of it. The first row with words that occur in the
text wins: causes stand before their consequences."""


def cause_of(text: str, fault: Fault | None, reason: str | None = None) -> Cause:
    """Rule `exception_scan`: the sender's own finding, else what the words mean, else unknown."""
    found = _by_words(text) if reason is None else Cause(reason=reason, fault=REASONS.get(reason, "unknown"))
    return found if fault is None else found.model_copy(update={"fault": fault})


def _by_words(text: str) -> Cause:
    words = text.casefold()
    for reason, whose, signs in TABLE:
        if any(sign in words for sign in signs.split("|")):
            return Cause(reason=reason, fault=whose)
    return UNSPECIFIED
