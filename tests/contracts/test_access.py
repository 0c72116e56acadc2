"""The rights on the broker are what each service needs, and no more."""

import pytest

from shared.contracts.access import (
    Right,
    rights_of,
    rights_of_administrators,
    rights_of_operators,
    rights_to_migrate,
)
from shared.contracts.catalog import (
    CONTACTS_TOPIC,
    HEARS,
    SERVICES,
    TOPICS,
    consumer_group,
    dead_letter_topic,
    event_topic,
)


def may(rights: tuple[Right, ...], operation: str, resource: str = "topic") -> set[str]:
    return {right.name for right in rights if right.resource == resource and operation in right.operations}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_what_it_hears_its_own_topic_and_its_own_dead_letters(service: str) -> None:
    assert may(rights_of(service), "Read") == {
        *HEARS[service],
        event_topic(service),
        dead_letter_topic(service),
    }
    assert may(rights_of(service), "Read", "group") == {consumer_group(service)}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_its_own_topics_and_those_it_may_write_too(service: str) -> None:
    ours = {topic.name for topic in TOPICS if service in (topic.owner, *topic.also_written_by)}
    assert may(rights_of(service), "Write") == ours >= {event_topic(service), dead_letter_topic(service)}


def test_contacts_are_read_by_their_readers_alone() -> None:
    readers = {service for service in SERVICES if CONTACTS_TOPIC in may(rights_of(service), "Read")}
    assert readers == {"logistics", "notifications"}


def test_operators_see_every_topic_and_group_and_read_or_write_none() -> None:
    rights = rights_of_operators()
    assert may(rights, "Describe") == {topic.name for topic in TOPICS}
    assert may(rights, "Describe", "group") == {consumer_group(service) for service in SERVICES}
    assert {operation for right in rights for operation in right.operations} == {
        "Describe",
        "DescribeConfigs",
    }


def flat(rights: tuple[Right, ...]) -> set[tuple[str, str, str]]:
    return {(right.resource, right.name, operation) for right in rights for operation in right.operations}


def test_administrators_may_do_what_every_service_and_every_operator_may() -> None:
    theirs = flat(rights_of_administrators())
    assert theirs >= flat(rights_of_operators())
    assert theirs >= set[tuple[str, str, str]]().union(*(flat(rights_of(service)) for service in SERVICES))
    assert theirs >= flat(rights_to_migrate())


def test_nobody_may_delete_a_topic_and_administrators_alone_look_at_every_group() -> None:
    everybody = [rights_of_administrators(), rights_of_operators(), *(rights_of(each) for each in SERVICES)]
    assert not any(may(rights, "Delete") for rights in everybody)
    assert ["*" in may(rights, "Describe", "group") for rights in everybody] == [True] + [False] * 5
