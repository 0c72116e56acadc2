"""`python -m services.notifications api`, `worker` or `all`: runs notifications until it is told to stop."""

from services import notifications
from services.notifications.app import SERVICE
from services.notifications.settings import Settings
from shared.adapters.process import main

if __name__ == "__main__":
    main(SERVICE, Settings, notifications.__doc__ or "")
