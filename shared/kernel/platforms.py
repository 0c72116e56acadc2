"""What a platform lets a shop do, and what is known of it beside the values that rules go by today."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Strict
from shared.kernel.routes import Hours

Confidence = Literal["official", "law", "code", "code_2013", "third_party", "trade_practice", "unverified"]
"""How well a value is founded: the platform's own documentation, a law's text, read in source code, read
in source code of 2013, somebody else's word, what the trade does, or nothing that could be checked."""

Action = Literal["change_price", "change_freight", "refuse_invoice", "reward_review"]
"""What a platform allows or forbids."""

_Few = Annotated[int, Field(ge=0, le=10_000)]


class May(Strict):
    """What a shop may do on the platform."""

    change_price: bool
    """Change the price of goods in an order that was placed."""
    change_freight: bool
    """Change what the carriage of an order costs."""
    refuse_invoice: bool
    """Refuse an invoice to a buyer who asks for one."""
    reward_review: bool
    """Promise money for a good review."""


class Facts(Strict):
    """What is known of a platform and shown with its source. No rule goes by it unless it says so."""

    flash_sale_unpaid_window: Hours | None = None
    """How long an order of a flash sale may stay unpaid. For shops that have such sales: override
    `close_unpaid_after` in a profile of their own."""
    payment_valid_for: Hours | None = None
    """How long the platform's payment can be made. A `close_unpaid_after` that is longer waits in vain."""
    reminder_stale_after: Hours | None = None
    """A reminder this much past its moment is of no use any more. For whoever writes reminders' staleness."""
    receive_extension_days: tuple[_Few, ...] | None = None
    """By how many days the time to confirm the receipt may be extended. For whoever asks for an extension."""
    ordinary_post_auto_complete_after: Hours | None = None
    """As `auto_complete_after`, for parcels sent by ordinary post."""
    aftersales_close_after: Hours | None = None
    """How long after receipt a buyer may ask for after-sales service on the platform."""
    applications_per_item: _Few | None = None
    """How often a buyer may apply for after-sales service for one item, edits included."""
    refund_calls_per_order_and_minute: _Few | None = None
    """How often a refund may be called for. For whoever writes the channel to the platform's refunds."""
    evidence_max_chars: _Few | None = None
    """How long the text of a piece of evidence may be. For whoever hands evidence to the platform."""
    complaint_answer_within: Hours | None = None
    """How long a complaint that reached the platform may wait for the shop's answer."""
    auto_review_after: Hours | None = None
    """When the platform itself writes the good review that the buyer did not write."""
    push_answer_within: Hours | None = None
    """How soon a push of the platform must be answered. For its inlet."""
    push_attempts: _Few | None = None
    """How often the platform tries a push. For its inlet: what comes later must be asked for."""


class Source(Strict):
    """Where a value was found."""

    source: Annotated[str, Field(min_length=1, max_length=500)]
    confidence: Confidence
