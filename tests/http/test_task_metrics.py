"""Open and overdue tasks, as the workers of notifications tell them to Prometheus."""

from prometheus_client.parser import text_string_to_metric_families

from tests.http.town import Town


async def _told(town: Town, name: str) -> dict[str, float]:
    house = town.houses["notifications"]
    await house.worker.sample()
    text = (await town.ask("notifications", "GET", "/metrics")).text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {sample.labels.get("kind", ""): sample.value for sample in samples if sample.name == name}


async def test_orders_with_open_and_overdue_tasks_are_counted() -> None:
    town = Town()
    await town.start()
    await town.place()
    await town.pay()
    await town.dispatch()
    await town.tell(
        "refund.requested", case_id="c-1", kind="refund_only", reason="damaged", amount="10.00", lines=["1"]
    )
    opened = await _told(town, "orderlink_orders_with_open_tasks")
    assert {kind: count for kind, count in opened.items() if count} == {"decide_case": 1}
    assert await _told(town, "orderlink_orders_with_overdue_tasks") == {"": 0}
    await town.close()
