import asyncio
import os

from shared.client import AgentDesk


async def main() -> None:
    async with AgentDesk(os.environ["ORDERLINK_URL"], os.environ["ORDERLINK_TOKEN"], "agent-1") as desk:
        async for claimed in desk.work("answer_buyer"):
            async with claimed:
                print(claimed.task.order_id, claimed.task.summary)
                await claimed.complete("answered", text="Your parcel is on its way.")


asyncio.run(main())
