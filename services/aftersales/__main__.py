"""`python -m services.aftersales api`, `worker` or `all`: runs aftersales until it is told to stop."""

from services import aftersales
from services.aftersales.app import SERVICE
from services.aftersales.settings import Settings
from shared.adapters.process import main

if __name__ == "__main__":
    main(SERVICE, Settings, aftersales.__doc__ or "")
