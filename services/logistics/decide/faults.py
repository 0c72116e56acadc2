"""Whose fault an exception is, read from the carrier's words where it does not say."""

from typing import Final

from shared.contracts.base import Frozen
from shared.contracts.facts import Fault


class Cause(Frozen):
    """What an exception is about, in a word of ours, and whose fault it is."""

    reason: str
    fault: Fault


UNSPECIFIED: Final = Cause(reason="unspecified", fault="unknown")

_TABLE: Final[tuple[tuple[str, Fault, str], ...]] = (
    ("customs", "customs", "customs|clearance|import duty|import duties|清关|海关"),
    ("weather", "weather", "weather|storm|snow|flood|hurricane|typhoon|天气|台风|暴雨|暴雪"),
    (
        "address_not_found",
        "buyer",
        "address not found|no such address|unknown address|unable to locate|地址不详",
    ),
    ("incorrect_address", "buyer", "incorrect address|wrong address|invalid address|insufficient address"),
    ("incorrect_address", "buyer", "incomplete address|address incomplete|bad address|地址错误"),
    ("refused", "buyer", "refused|rejected by recipient|拒收"),
    ("not_home", "buyer", "not home|nobody home|no one home|no one available"),
    ("not_home", "buyer", "not available|recipient absent|business closed|无人签收"),
    ("unclaimed", "buyer", "unclaimed|not collected"),
    ("packaging", "shop", "poor packaging|insufficient packaging|label missing|missing label"),
    ("packaging", "shop", "label unreadable|unreadable label|prohibited|dangerous goods|违禁"),
    ("damaged", "carrier", "damage|破损"),
    ("missorted", "carrier", "missort|mis-sort|misrouted|sorting error|wrong facility|分拣错误"),
    ("carrier_delay", "carrier", "vehicle|mechanical|breakdown|capacity|operational|missed connection|爆仓"),
)
"""Our word, whose fault it is, and what carriers write of it. The first row with words that occur in the
text wins: causes stand before their consequences."""


def cause_of(text: str, fault: Fault | None) -> Cause:
    """Rule `exception_scan`: the carrier's own finding, else what its words mean, else unknown."""
    words = text.casefold()
    found = UNSPECIFIED
    for reason, whose, signs in _TABLE:
        if any(sign in words for sign in signs.split("|")):
            found = Cause(reason=reason, fault=whose)
            break
    return found if fault is None else found.model_copy(update={"fault": fault})
