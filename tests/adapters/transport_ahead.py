"""What every transport must do when somebody looks ahead. Cases as those of the suite."""

from shared.runtime.ports import Record
from tests.adapters.transport_suite import TOPICS, Stage, by_partition, numbers, outgoing, settled, take


async def a_look_ahead_gives_nothing_away(stage: Stage) -> None:
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(60)))
    member = await stage.member()
    taken: list[Record] = []
    seen: list[Record] = []
    while len(taken) < 60:
        taken += await take(member, 5)
        positions = member.positions()
        looked = member.ahead(7)
        assert len(looked) <= 7
        assert member.positions() == positions
        seen += looked
    assert sorted(numbers(taken)) == list(range(60))
    assert all(offsets == list(range(len(offsets))) for offsets in by_partition(taken).values())
    # What it sees are the very records that it is given later.
    assert {id(record) for record in seen} <= {id(record) for record in taken}


async def nothing_is_ahead_of_who_owns_nothing(stage: Stage) -> None:
    await stage.publish(*(outgoing(n) for n in range(60)))
    first, second = await stage.member(), await stage.member()
    await settled(first, second)
    await take(first, 1)
    await take(second, 1)
    assert {record.partition for record in first.ahead(1000)} <= first.partitions()
    assert {record.partition for record in second.ahead(1000)} <= second.partitions()
    await second.close()
    assert list(second.ahead(1000)) == []


CASES = (a_look_ahead_gives_nothing_away, nothing_is_ahead_of_who_owns_nothing)
