"""`orderlink topics check` and its waiting: what is missing is waited for, what is wrong is said at once."""

import pytest

from shared.adapters.kafka_admin import topic_configuration
from shared.adapters.kafka_topics import KafkaTopics, Standing, differences
from shared.cli import topics
from shared.contracts.catalog import TOPICS
from shared.runtime.ports import Unavailable

ALL = {
    topic.name: Standing(4 if topic.co_partitioned else 1, 3, topic_configuration(topic, 3))
    for topic in TOPICS
}


def but(**told: str) -> dict[str, Standing]:
    """All topics as they must be, but for these settings of `orders.v1`."""
    settings = {name.replace("_", "."): value for name, value in told.items()}
    orders = ALL["orders.v1"]
    return {**ALL, "orders.v1": Standing(orders.partitions, 3, {**orders.settings, **settings})}


class Told(KafkaTopics):
    """An administrator who is told what is there, one answer a question."""

    def __init__(self, *answers: dict[str, Standing] | Unavailable) -> None:
        super().__init__("nowhere:1")
        self.answers = list(answers)

    async def standing(self) -> dict[str, Standing]:
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
    monkeypatch.setattr(topics, "KafkaTopics", lambda broker: admin)
    await topics.awaited(lambda each: topics.all_there(each, 4), wait_seconds, said.append)


async def test_all_topics_as_they_must_be_are_fine(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    await look(Told(ALL), 0, asked, monkeypatch)
    assert asked == []


async def test_a_broker_and_topics_that_come_later_are_waited_for_with_what_is_missing(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {name: standing for name, standing in ALL.items() if name != "contacts.v1"}
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
    eight = {"orders.v1": Standing(8, 3, ALL["orders.v1"].settings)}
    with pytest.raises(ValueError, match=r"orders\.v1 has 8 partitions, expected 4; .*topics migrate`$"):
        await look(Told(eight), 60, asked, monkeypatch)
    assert asked == []


async def test_settings_that_would_lose_events_are_said_at_once_with_what_mends_them(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgets = but(retention_ms="604800000", cleanup_policy="compact")
    with pytest.raises(ValueError, match="topics make --alter") as said:
        await look(Told(forgets), 60, asked, monkeypatch)
    assert "orders.v1 has cleanup.policy=compact, expected delete; " in str(said.value)
    assert "orders.v1 has retention.ms=604800000, expected -1; " in str(said.value)
    assert "migrate" not in str(said.value)


@pytest.mark.parametrize(
    ("setting", "value", "is_fine"),
    [
        ("cleanup_policy", "compact", False),
        ("retention_ms", "604800000", False),
        ("retention_bytes", "1073741824", False),
        ("max_message_bytes", "1000", False),
        ("max_message_bytes", "2097152", True),
        ("min_insync_replicas", "1", False),
        ("min_insync_replicas", "3", True),
        ("min_insync_replicas", "4", False),
    ],
)
def test_a_setting_is_fine_where_nothing_is_lost_by_it(setting: str, value: str, *, is_fine: bool) -> None:
    found = [(each.setting, each.found) for each in differences(but(**{setting: value}), 4)]
    assert found == ([] if is_fine else [(setting.replace("_", "."), value)])


def test_a_single_copy_needs_no_other_in_sync() -> None:
    alone = {topic.name: Standing(4, 1, topic_configuration(topic, 1)) for topic in TOPICS[:1]}
    assert differences(alone, 4) == []
