"""How a case ends without a refund: refused, or closed."""

from datetime import datetime
from decimal import Decimal

from services.aftersales.state import About, CaseIs, Closed, RefusedCase, Resend, Share
from shared.contracts.events import aftersales as says
from shared.contracts.events.aftersales import DecidedBy
from shared.kernel.calendar import later
from shared.kernel.decision import Decision
from shared.kernel.money import ZERO, total, writable
from shared.kernel.profiles import Profile


def refusal(
    about: About,
    decided_by: DecidedBy,
    slug: str,
    at: datetime,
    profile: Profile,
    photos: tuple[str, ...] = (),
) -> Decision:
    """Refuse a case. From now on the buyer has `dispute_within` to bring in the platform."""
    until = later(at, profile.values.dispute_within)
    case = RefusedCase(about=about, slug=slug, decided_by=decided_by, dispute_until=until, photos=photos)
    said = says.CaseRefused(
        case_id=about.case_id,
        kind=about.kind,
        decided_by=decided_by,
        slug=slug,
        dispute_until=until,
        parcel_id=about.parcel_id,
        lines=about.lines,
    )
    return Decision(notes=(CaseIs(case=case),), events=(said,))


def closing(
    about: About,
    reason: str,
    gave: tuple[Share, ...] = (),
    paid: Decimal = ZERO,
    settled: tuple[str, ...] = (),
    stopped: tuple[str, ...] = (),
    resend: Resend | None = None,
) -> Decision:
    """Close a case, remembering what the buyer got for its lines."""
    case = Closed(about=about, reason=reason, gave=gave, paid=paid, stopped=stopped, resend=resend)
    served_with = max(paid, total(share.amount for share in gave))
    said = says.CaseClosed(
        case_id=about.case_id,
        kind=about.kind,
        reason=reason,
        parcel_id=about.parcel_id,
        lines=about.lines,
        served_with=writable(served_with) if served_with > 0 else None,
        currency=about.currency,
        settled=settled,
    )
    return Decision(notes=(CaseIs(case=case),), events=(said,))
