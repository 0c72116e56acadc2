"""Profiles: the numbers that rules go by, as versioned data, and the shops that name them.

`id@version` means the same values for ever. A value that a platform's profile leaves out is the
default's, in the version that was in force when the platform's version came into force.
"""

import json
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, field_validator, model_validator

from shared.contracts.base import Id, Name, Strict
from shared.kernel.calendar import QuietHours
from shared.kernel.carriage import ClaimTerms, IncidentRule, Surcharge
from shared.kernel.offers import Offer
from shared.kernel.platforms import Facts, May, Source
from shared.kernel.reminders import ReminderStage, ShopReminders, ShopReports
from shared.kernel.routes import Hours, Place, Route, StallLevels, Threshold, merged

Language = Literal["en", "zh"]
NO_OVERRIDES = "{}"
OVERRIDES_MAX_CHARS = 8_000
"""A shop's overrides travel with each of its events."""


class Values(Strict):
    """Every value of a profile. Durations are ISO 8601 in the data and run in elapsed time."""

    payment_reminder_after: Hours
    payment_last_call_before_close: Hours
    payment_reminder_stages: Annotated[tuple[ReminderStage, ...], Field(max_length=10)] = ()
    """Other moments to remind at than those two, oldest first; where any are given, those two are not."""
    payment_reminder_next_day: bool = True
    """Whether a reminder that the quiet hours kept until the next day is sent then."""
    payment_reminder_stale_after: Hours = timedelta(minutes=60)
    """Where it is not: one from an earlier local day is dropped when it is later than this."""
    payment_reminder_merge_within: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=6))] = (
        timedelta(0)
    )
    """How long a reminder waits for others of the same buyer, to go as one; zero sends each for itself."""
    payment_call_after: Hours | None = None
    """How long after the last reminder somebody is to phone the buyer; None: nobody phones."""
    close_unpaid_after: Hours
    ship_within: dict[Name, Hours]
    """By ship service."""
    ship_within_otherwise: Hours
    urge_shipment_due_after: Hours
    auto_complete_after: Hours
    auto_complete_from: Literal["delivery", "dispatch"] = "delivery"
    """Whether that runs from the delivery of the last parcel or from its dispatch. An order that has not
    arrived does not complete; one that arrives later than that completes at once."""
    quiet_hours: QuietHours
    buyer_daily_cap: Annotated[int, Field(ge=0, le=1000)]
    """Messages for each buyer and local day."""
    pickup_overdue_after: Hours
    stall_levels: StallLevels
    lost_suspected_after: Hours
    thresholds: Annotated[tuple[Threshold, ...], Field(max_length=200)] = ()
    """Where those three differ for a carrier or a route; the most specific one wins."""
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
    daily_sweep_at: time = time(8, 30)
    """When a shop that wants it has its open and abnormal orders gathered, on its own clocks."""
    claim_lease: Hours
    fact_wait: Hours
    scan_before_dispatch: Hours
    """How long before we hear of the dispatch a carrier's scan may lie and still be of that parcel."""
    tracking_number_reuse_after: Hours
    """How long after its dispatch a tracking number is still taken to be that parcel's."""
    incidents: IncidentRule | None = None
    """When standing parcels of one carrier and region are one incident; None: by hand only."""
    claims: Annotated[tuple[ClaimTerms, ...], Field(max_length=100)] = ()
    """Carriers' terms for claims; without any, a claim has no deadline."""
    surcharges: Annotated[tuple[Surcharge, ...], Field(max_length=200)] = ()
    """What a buyer pays on top who insists on a carrier."""
    offers: Annotated[tuple[Offer, ...], Field(max_length=20)] = ()
    """What a buyer is offered for his next order when one completed, by its amount."""
    case_messages: bool = False
    """Whether buyers are told by us how their cases go; else their platform tells them, or nobody does."""
    scorecards: bool = False
    """Whether what carriers do is measured, by carrier, route and week."""
    weight_tolerance_grams: Annotated[int, Field(ge=0, le=100_000)] = 50
    weight_tolerance_percent: Annotated[int, Field(ge=0, le=100)] = 5
    """Two weights agree that differ by no more than the larger of both."""
    enquiry_answer_within: Hours = timedelta(hours=24)
    """How soon a buyer who asks where his parcel is gets the carrier's word."""
    enquiry_follow_up_after: Hours = timedelta(hours=48)
    """How long after that somebody sees whether it helped."""
    receipt_extensions_max: Annotated[int, Field(ge=0, le=100)] = 1
    """How often the time to confirm the receipt may be extended for one order."""
    verification: Literal["none", "automatic", "task"] = "none"
    """What is checked before an order is released: nothing, by rule and by hand what looks incomplete, or
    every order by hand."""
    confirm_wish_within: Hours = timedelta(hours=24)
    acknowledge_within: Hours = timedelta(hours=4)
    verify_within: Hours = timedelta(hours=4)
    choice_within: Hours = timedelta(hours=24)
    payment_help_within: Hours = timedelta(hours=2)
    merge_freight: Literal["off", "task"] = "task"
    """Whether an agent is asked about freight that a buyer pays more than once."""
    merge_freight_within: Hours = timedelta(hours=24)
    """How far apart orders may be placed to leave as one."""

    @field_validator("thresholds")
    @classmethod
    def _no_contradiction(cls, value: tuple[Threshold, ...]) -> tuple[Threshold, ...]:
        seen: set[object] = set()
        for number, threshold in enumerate(value, 1):
            if threshold.condition in seen:
                raise ValueError(
                    f"expected one threshold for each carrier and route, got a second, number {number}"
                )
            seen.add(threshold.condition)
        return value

    @field_validator("payment_reminder_stages")
    @classmethod
    def _each_stage_once(cls, value: tuple[ReminderStage, ...]) -> tuple[ReminderStage, ...]:
        names = [stage.name for stage in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"expected each stage's name once, got {twice[0]!r} twice")
        return value

    @property
    def reminder_stages(self) -> tuple[ReminderStage, ...]:
        """The moments at which an unpaid order is reminded of."""
        return self.payment_reminder_stages or (
            ReminderStage(name="first", after=self.payment_reminder_after),
            ReminderStage(
                name="last_call", text="last_call", before_close=self.payment_last_call_before_close
            ),
        )

    def ship_within_of(self, ship_service: str) -> timedelta:
        """How long after payment everything must have left."""
        return self.ship_within.get(ship_service, self.ship_within_otherwise)

    def for_parcel(self, carrier: str, route: Route | None) -> "Values":
        """These values as they hold for a parcel of that carrier on that way.

        For each value the most specific threshold that gives it wins: a carrier's before a route's, a
        pair of states before a pair of countries before domestic or international.
        """
        held = [threshold for threshold in self.thresholds if threshold.holds(carrier, route)]
        if not held:
            return self
        changes: dict[str, object] = {}
        for threshold in sorted(held, key=lambda threshold: threshold.rank):
            changes |= threshold.changes
        return self.model_copy(update=changes)


def _with_confidence(value: Any) -> Any:
    return {"source": value, "confidence": "unverified"} if isinstance(value, str) else value


class Profile(Strict):
    """The values in force for one shop, and where they come from."""

    id: Id
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    effective: date | None = None
    """The local day from which orders are placed under it; a first version may have none."""
    about: Annotated[str, Field(max_length=500)] = ""
    values: Values
    facts: Facts = Facts()
    may: May
    sources: dict[str, Annotated[Source, BeforeValidator(_with_confidence)]] = Field(default_factory=dict)
    """For each value, `facts.<name>` and `may.<name>`, where it was found."""
    zone: Name = "UTC"
    """The shop's time zone, an IANA name; `local` in a rule means this."""
    shop_name: Name = "The shop"
    mail_from: Name = "service@shop.example"
    """Who writes to the buyer: the shop's name and its address for mail."""
    language: Language = "en"
    """In which the shop's fixed remarks are written."""
    ships_from: Place | None = None
    reminders: ShopReminders = ShopReminders()
    reports: ShopReports = ShopReports()
    overrides: str = NO_OVERRIDES
    """The values that the shop overrides, as one JSON object."""

    @field_validator("sources")
    @classmethod
    def _of_something(cls, value: dict[str, Source]) -> dict[str, Source]:
        strange = sorted(set(value) - SOURCED)
        if strange:
            raise ValueError(
                f"expected the name of a value, `facts.<name>` or `may.<name>`, got {strange[0]!r}"
            )
        return value

    @property
    def ref(self) -> str:
        """Its name in decisions and events: `id@version`."""
        return f"{self.id}@{self.version}"

    def route_to(self, country: str | None, state: str | None) -> Route | None:
        """The way of a parcel to a buyer; None where one of its ends is not known."""
        if self.ships_from is None or not country:
            return None
        return Route(origin=self.ships_from, country=country, state=state)


SOURCED = frozenset(
    {
        *Values.model_fields,
        *(f"facts.{name}" for name in Facts.model_fields),
        *(f"may.{name}" for name in May.model_fields),
    }
)
"""What a source may be given for."""


class Shop(Strict):
    """A shop: its platform's profile, its time zone, its address for mail, and what it overrides."""

    shop_id: Id
    name: Name
    zone: Name
    profile: Id = "default"
    mail_from: Name = "service@shop.example"
    language: Language = "en"
    """In which its fixed remarks on orders are written."""
    ships_from: Place | None = None
    """Where its parcels leave, `US` or `US/California`, in the words in which its orders name receivers."""
    reminders: ShopReminders = ShopReminders()
    """Of which orders its buyers are not reminded."""
    reports: ShopReports = ShopReports()
    """Which reports of its days it wants."""
    overrides: dict[str, object] = Field(default_factory=dict)
    """Values of the profile that differ for this shop. A change holds for orders placed after it."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"expected an IANA time zone such as 'Europe/Berlin', got {value!r}")
        return value

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        if len(str(self.overrides)) > OVERRIDES_MAX_CHARS:
            raise ValueError(f"overrides: expected at most {OVERRIDES_MAX_CHARS} characters")
        return self


def in_force(profile: Profile, shop: Shop) -> Profile:
    """The profile as it stands for a shop: its zone, name and address, and its overrides applied.

    Raises `pydantic.ValidationError` when an override names no value or does not fit it.
    """
    of_shop = {
        "zone": shop.zone,
        "shop_name": shop.name,
        "mail_from": shop.mail_from,
        "language": shop.language,
        "ships_from": shop.ships_from,
        "reminders": shop.reminders,
        "reports": shop.reports,
    }
    return overridden(profile, shop.overrides).model_copy(update=of_shop)


def overridden(profile: Profile, overrides: dict[str, Any]) -> Profile:
    """The profile with some values overridden.

    Thresholds of a carrier or route are added to the profile's own; others take the value's place.
    Raises `pydantic.ValidationError`.
    """
    if not overrides:
        return profile
    values = Values.model_validate({**profile.values.model_dump(), **overrides})
    told = values.model_dump(mode="json", include=set(overrides))
    if "thresholds" in overrides:
        both = merged(values.thresholds, profile.values.thresholds)
        values = values.model_copy(update={"thresholds": both})
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return profile.model_copy(update={"values": values, "overrides": text})
