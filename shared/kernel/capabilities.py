"""What a platform forbids: a rule asks before it changes a price or refuses an invoice."""

from typing import Final

from shared.kernel.decision import Refused
from shared.kernel.platforms import Action
from shared.kernel.profiles import Profile

PLATFORM_FORBIDS: Final = "platform-forbids"
_SAID: Final[dict[Action, str]] = {
    "change_price": "changing the price of goods",
    "change_freight": "changing the freight",
    "refuse_invoice": "refusing an invoice",
    "reward_review": "paying for a review",
}


def forbids(profile: Profile, action: Action) -> Refused | None:
    """The refusal of what the order's platform does not let a shop do, with its source; None if it may.

    Rule `platform_capabilities`. Sources: the profile's own, under `may.<action>`.
    """
    if getattr(profile.may, action):
        return None
    found = profile.sources.get(f"may.{action}")
    by = "" if found is None else f" ({found.source}; {found.confidence.replace('_', ' ')})"
    return Refused(slug=PLATFORM_FORBIDS, detail=f"{profile.ref} forbids {_SAID[action]}{by}.")
