"""Traces: one from a request over Kafka to the mail, and what goes on where nobody takes spans."""

import json
from collections.abc import AsyncIterator
from threading import Event
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.adapters import tracing
from shared.adapters.settings import CommonSettings
from shared.adapters.tracing import OtelTraces, span_context, traces_from
from shared.contracts.event import from_cloudevent
from shared.runtime.traces import NO_TRACES, plain_traceparent
from tests.http.kit import TELLER
from tests.http.town import Town

CAME = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CAMES_TRACE = 0x0AF7651916CD43DD8448EB211C80319C


class Taken:
    """Spans of four services, as a collector has them."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()

    def traces(self, service: str) -> OtelTraces:
        provider = TracerProvider(resource=Resource({"service.name": service}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        return OtelTraces(provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def of(self, trace: int) -> list[str]:
        """The spans of one trace, each with its service and its way up to the first, by name."""
        by_id = {span.context.span_id: span for span in self.spans if span.context.trace_id == trace}

        def way(span: ReadableSpan) -> str:
            above = by_id.get(span.parent.span_id) if span.parent else None
            name = f"{span.resource.attributes['service.name']!s}: {span.name}"
            return name if above is None else f"{way(above)} > {name}"

        return sorted(way(span) for span in by_id.values())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
async def town(taken: Taken) -> AsyncIterator[Town]:
    it = Town(traces=taken.traces)
    await it.start()
    yield it
    await it.close()


async def tell(town: Town, fact: str, traceparent: str, **data: Any) -> None:
    """Tell a fact with a traceparent, and let everybody hear of it."""
    raw = {
        "id": f"t-{fact}",
        "at": town.clock.now().isoformat(),
        "fact": fact,
        "order_id": "A-1",
        "data": data,
    }
    headers = {"Authorization": f"Bearer {TELLER}", "traceparent": traceparent}
    response = await town.houses["orders"].client.post("/facts", json=raw, headers=headers)
    assert response.status_code == 202, response.text
    await town.settle()


async def test_one_trace_goes_from_the_request_over_two_services_to_the_mail(
    town: Town, taken: Taken
) -> None:
    await town.place()
    await tell(town, "order.paid", CAME, amount="30.00", payment_id="p-1")
    assert len(town.mail.mails) == 1
    trace = taken.of(CAMES_TRACE)
    start = "orders: POST /facts"
    paid = f"{start} > orders: fact order.paid"
    heard = f"{paid} > notifications: hear message.wanted"
    for way in (
        start,
        paid,
        f"{paid} > orders: publish order.paid",
        f"{paid} > orders: publish message.wanted",
        heard,
        f"{heard} > notifications: publish message.asked",
    ):
        assert way in trace, "\n".join(trace)
    (mail,) = [way for way in trace if way.endswith("notifications: effect mail")]
    assert mail.startswith(heard)
    assert f"{mail} > notifications: publish message.sent" in trace


async def test_the_trace_is_in_the_event_and_beside_it(town: Town, taken: Taken) -> None:
    await town.place()
    await tell(town, "order.paid", CAME, amount="30.00", payment_id="p-1")
    (record,) = [
        each
        for each in town.log.records("orders.v1")
        if each.headers["ce_type"] == b"orderlink.order.paid.v1"
    ]
    event = from_cloudevent(json.loads(record.value or b""))
    (span,) = taken.named("fact order.paid")
    assert event.traceparent == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"
    assert record.headers["traceparent"].decode() == event.traceparent


async def test_a_fact_that_came_too_early_keeps_its_trace_until_it_fits(town: Town, taken: Taken) -> None:
    await tell(town, "order.paid", CAME, amount="30.00", payment_id="p-1")
    assert taken.of(CAMES_TRACE) == [
        "orders: POST /facts",
        "orders: POST /facts > orders: fact order.paid",
    ]
    await town.place()
    assert any(way.endswith("publish order.paid") for way in taken.of(CAMES_TRACE))


async def test_a_timer_begins_a_trace_that_is_linked_to_what_set_it(town: Town, taken: Taken) -> None:
    await town.place()
    (placed,) = taken.named("fact order.placed")
    await town.pass_time(hours=12)
    (reminder,) = taken.named("timer payment_reminder_first")
    assert reminder.parent is None
    assert reminder.context.trace_id != placed.context.trace_id
    assert [link.context.span_id for link in reminder.links] == [placed.context.span_id]
    # It is night: the messages wait for the morning by a timer of their own.
    await town.pass_time(hours=11, minutes=30)
    (morning,) = taken.named("timer send")
    assert morning.parent is None
    assert reminder.context.trace_id in {link.context.trace_id for link in morning.links}
    assert morning.context.trace_id in {mail.context.trace_id for mail in taken.named("effect mail")}


async def test_a_request_without_a_trace_begins_one(town: Town, taken: Taken) -> None:
    await town.place()
    (request,) = [
        span for span in taken.named("POST /facts") if span.resource.attributes["service.name"] == "orders"
    ]
    assert request.parent is None
    assert request.attributes is not None
    assert request.attributes["status"] == 202


async def test_no_span_says_anything_of_the_buyer(town: Town, taken: Taken) -> None:
    await town.place()
    await town.pay()
    told = " ".join(span.to_json() for span in taken.spans)
    assert "fact order.placed" in told
    for personal in ("Jane", "Roe", "example.com"):
        assert personal not in told


async def test_without_anybody_who_takes_spans_a_trace_that_came_is_passed_on() -> None:
    town = Town()
    await town.start()
    await town.place()
    await tell(town, "order.paid", CAME, amount="30.00", payment_id="p-1")
    said = [
        from_cloudevent(json.loads(record.value or b"")) for record in town.log.records("notifications.v1")
    ]
    sent = [event.traceparent for event in said if event.name == "message.sent"]
    assert sent == [CAME]
    await town.close()


async def test_a_header_that_is_no_traceparent_is_no_trace(town: Town, taken: Taken) -> None:
    await town.place()
    await tell(town, "order.paid", "Jane Roe", amount="30.00", payment_id="p-1")
    assert len(town.mail.mails) == 1
    assert "Jane" not in " ".join(span.to_json() for span in taken.spans)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-abc-def-01",
        CAME.replace("00-", "01-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        CAME + "-x",
        CAME.upper(),
    ],
)
def test_what_is_no_traceparent_is_left(text: str) -> None:
    assert plain_traceparent(text) is None
    assert span_context(text) is None


class Stuck(OtelTraces):
    """A collector that never answers."""

    def __init__(self) -> None:
        self.answered = Event()

    def close(self) -> None:
        self.answered.wait(60)


async def test_a_collector_that_is_away_keeps_no_process_from_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracing, "_CLOSE_SECONDS", 0.01)
    stuck = Stuck()
    await tracing.ended(stuck)
    assert not stuck.answered.is_set()
    stuck.answered.set()
    await tracing.ended(NO_TRACES)


def test_traces_are_off_unless_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert traces_from(CommonSettings(auth="off"), "orders", "api") is NO_TRACES
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    traces = traces_from(CommonSettings(auth="off"), "orders", "api")
    assert isinstance(traces, OtelTraces)
    traces.close()
