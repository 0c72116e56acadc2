"""`orderlink topics check` and its waiting: what is missing is waited for, what is wrong is said at once."""

import pytest

from shared.adapters.kafka_admin import KafkaAdmin
from shared.cli import topics
from shared.contracts.catalog import TOPICS
from shared.runtime.ports import Unavailable

ALL = {topic.name: 4 if topic.co_partitioned else 1 for topic in TOPICS}


class Told(KafkaAdmin):
    """An administrator who is told what is there, one answer a question."""

    def __init__(self, *answers: dict[str, int] | Unavailable) -> None:
        super().__init__("nowhere:1")
        self.answers = list(answers)

    async def partition_counts(self) -> dict[str, int]:
        answer = self.answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No pause between two looks."""
    monkeypatch.setattr(topics, "RETRY_SECONDS", 0.0)
    return []


async def look(admin: Told, wait_seconds: float, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "admin_of", lambda settings: admin)
    await topics.awaited(lambda each: topics.all_there(each, 4), wait_seconds, said.append)


async def test_all_topics_with_the_right_count_are_fine(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await look(Told(ALL), 0, asked, monkeypatch)
    assert asked == []


async def test_a_broker_and_topics_that_come_later_are_waited_for_with_what_is_missing(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {name: count for name, count in ALL.items() if name != "contacts.v1"}
    await look(Told(Unavailable("broker: nobody answers"), some, ALL), 60, asked, monkeypatch)
    assert [line.partition(": ")[2] for line in asked] == [
        "broker: nobody answers",
        "there is no topic contacts.v1; `orderlink topics make` makes them",
    ]


async def test_what_is_still_missing_in_the_end_is_named(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match=r"there is no topic orders\.v1, logistics\.v1"):
        await look(Told({}), 0, asked, monkeypatch)


async def test_another_partition_count_is_said_at_once_since_waiting_does_not_help(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"orders\.v1 has 8 partitions, expected 4\..*topics migrate"):
        await look(Told({"orders.v1": 8}), 60, asked, monkeypatch)
    assert asked == []
