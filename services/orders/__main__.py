"""`python -m services.orders api`, `worker` or `all`: runs orders until it is told to stop."""

from services import orders
from services.orders.app import SERVICE
from services.orders.settings import Settings
from shared.adapters.process import main

if __name__ == "__main__":
    main(SERVICE, Settings, orders.__doc__ or "")
