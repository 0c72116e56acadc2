"""`python -m services.logistics api`, `worker` or `all`: runs logistics until it is told to stop."""

from services import logistics
from services.logistics.app import SERVICE
from services.logistics.settings import Settings
from shared.adapters.process import main

if __name__ == "__main__":
    main(SERVICE, Settings, logistics.__doc__ or "")
