"""The worker of `orders` with a stall planted in it: `dead`, `wedged` or `blocked`, as its argument says."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from services import orders
from services.orders.app import SERVICE
from services.orders.settings import Settings
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.process import main

Fetched = Mapping[Any, Sequence[Any]]


def plant(stall: str) -> None:
    """Have the transport stall at the first record, without a word."""
    take = FaustTransport.take

    async def dead(self: FaustTransport, fetched: Fetched, generation: int) -> bool:
        """Nothing comes through any more."""
        return True

    async def wedged(self: FaustTransport, fetched: Fetched, generation: int) -> bool:
        others = {where: records for where, records in fetched.items() if where.partition != 0}
        return await take(self, others, generation)

    async def blocked(self: FaustTransport, fetched: Fetched, generation: int) -> bool:
        time.sleep(600)  # noqa: ASYNC251  # it is the point that the loop stands still
        return True

    FaustTransport.take = {"dead": dead, "wedged": wedged, "blocked": blocked}[stall]  # type: ignore[method-assign]  # planted


if __name__ == "__main__":
    plant(sys.argv[1])
    main(SERVICE, Settings, orders.__doc__ or "", ["worker"])
