"""Profiles: the numbers that rules go by, as versioned data, and the shops that name them."""

from datetime import date, timedelta
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import Field, field_validator

from shared.contracts.base import Id, Name, Strict
from shared.kernel.calendar import QuietHours

Hours = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=366))]


class Values(Strict):
    """Every value of a profile. Durations are ISO 8601 in the data and run in elapsed time."""

    payment_reminder_after: Hours
    payment_last_call_before_close: Hours
    close_unpaid_after: Hours
    ship_within: dict[Name, Hours]
    """By ship service."""
    ship_within_otherwise: Hours
    urge_shipment_due_after: Hours
    auto_complete_after: Hours
    quiet_hours: QuietHours
    buyer_daily_cap: Annotated[int, Field(ge=0, le=1000)]
    """Messages for each buyer and local day."""
    pickup_overdue_after: Hours
    stall_levels: Annotated[tuple[Hours, Hours], Field(min_length=2, max_length=2)]
    lost_suspected_after: Hours
    stage_message_stale_after: Hours
    answer_within: Hours
    no_reason_return_local_days: Annotated[int, Field(ge=0, le=366)]
    ship_back_within: Hours
    inspect_within: Hours
    decide_inspection_within: Hours
    dispute_within: Hours
    evidence_within: Hours
    review_invitation_after: Hours
    bad_review_at_most_stars: Annotated[int, Field(ge=0, le=5)]
    first_response_within: Hours
    claim_lease: Hours
    fact_wait: Hours

    def ship_within_of(self, ship_service: str) -> timedelta:
        """How long after payment everything must have left."""
        return self.ship_within.get(ship_service, self.ship_within_otherwise)


class Profile(Strict):
    """The values in force for one shop, and where they come from."""

    id: Id
    version: Annotated[int, Field(ge=1)]
    effective: date
    values: Values
    sources: dict[str, str] = Field(default_factory=dict)
    """For each value, where it was found."""
    zone: Name = "UTC"
    """The shop's time zone, an IANA name; `local` in a rule means this."""
    shop_name: Name = "The shop"
    mail_from: Name = "service@shop.example"
    """Who writes to the buyer: the shop's name and its address for mail."""

    @property
    def ref(self) -> str:
        """Its name in decisions and events: `id@version`."""
        return f"{self.id}@{self.version}"


class Shop(Strict):
    """A shop: its platform's profile, its time zone, its address for mail, and what it overrides."""

    shop_id: Id
    name: Name
    zone: Name
    profile: Id = "default"
    mail_from: Name = "service@shop.example"
    overrides: dict[str, object] = Field(default_factory=dict)
    """Values of the profile that differ for this shop."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"expected an IANA time zone such as 'Europe/Berlin', got {value!r}")
        return value


def in_force(profile: Profile, shop: Shop) -> Profile:
    """The profile as it stands for a shop: its zone, name and address, and its overrides applied.

    Raises `pydantic.ValidationError` when an override names no value or does not fit it.
    """
    values = Values.model_validate({**profile.values.model_dump(), **shop.overrides})
    of_shop = {"zone": shop.zone, "shop_name": shop.name, "mail_from": shop.mail_from}
    return profile.model_copy(update={"values": values, **of_shop})
