"""What a rule looks at beside the command and the file: the moment, the profile and the texts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.notifications.templates import Templates
from shared.kernel.profiles import Profile, Values

SERVICE: Final = "notifications"


@dataclass(frozen=True, slots=True)
class Occasion:
    """The circumstances of one decision."""

    at: datetime
    """The command's own time, from which durations run."""
    now: datetime
    """The clock's time, for staleness and quiet hours."""
    profile: Profile
    templates: Templates
    slot_of: Callable[[str], int]
    """The slot of a subject: what its worker is chosen by."""

    @property
    def values(self) -> Values:
        """The profile's values."""
        return self.profile.values
