"""The names of the timers that an order's file sets."""

from typing import Final

REMINDER_FIRST: Final = "payment_reminder_first"
REMINDER_LAST_CALL: Final = "payment_reminder_last_call"
REMINDER: Final = "payment_reminder"
"""Of a stage of the profile's own; its key is the stage's name."""
PAYMENT_CALL: Final = "payment_call"
CLOSE_UNPAID: Final = "close_unpaid"
SHIP: Final = "ship"
COMPLETE: Final = "complete"
CATCH_UP: Final = "catch_up"
"""Due at once when an order is paid of which lines have left already, or shall not leave."""
