import asyncio

from shared.client import events, subscribe


async def main() -> None:
    async for event in subscribe("orders.v1", "logistics.v1", group="my-system"):
        print(event.time, event.subject, event.name)
        if isinstance(event.data, events.logistics.ParcelStalled):
            print("stands still since", event.data.since)


asyncio.run(main())
