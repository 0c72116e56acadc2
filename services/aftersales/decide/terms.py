"""The words that these rules share: who speaks, who decided, the slugs of refusals."""

from dataclasses import dataclass
from typing import Final

from shared.contracts.events.aftersales import DecidedBy

SERVICE: Final = "aftersales"

ALREADY_COMPENSATED: Final = "already-compensated"
AMOUNT_TOO_HIGH: Final = "amount-too-high"
CASE_DECIDED: Final = "case-decided"
WEIGHT_NOT_VERIFIED: Final = "weight-not-verified"
CASE_UNKNOWN: Final = "case-unknown"
LINES_UNKNOWN: Final = "lines-unknown"

GOODWILL: Final = "offer"
"""The rule by which a part is paid instead of what was asked for; the goods stay wanted."""
NOT_SENT_BACK: Final = "not_sent_back"
OFFER_NOT_ANSWERED: Final = "offer_not_answered"
PAID_BY_ANOTHER_WAY: Final = "paid_by_another_way"
PAID_BY_PLATFORM: Final = "paid_by_platform"
"""Why a case is closed for which the platform paid the buyer itself."""
SHIP_WITHIN: Final = "ship_within"
"""The rule and the timer by which goods that are sent again have to leave."""
MISSING_ITEM: Final = "missing_item"
QUALITY_REASONS: Final = frozenset({"damaged", "defective", "wrong_item", MISSING_ITEM})
"""Reasons that say something about the product or its packing."""


@dataclass(frozen=True, slots=True)
class Why:
    """Who decided, and by which rule."""

    decided_by: DecidedBy
    by_rule: str
