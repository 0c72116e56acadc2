"""Spans by OpenTelemetry, sent by OTLP over HTTP; off unless the environment names a collector.

How they are sampled, batched and sent is told by OpenTelemetry's own variables, `OTEL_TRACES_SAMPLER`
among them. What the collector does not take in time is dropped: nobody waits for a trace.
"""

import asyncio
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from shared.adapters.settings import CommonSettings
from shared.runtime.loops import wait_at_most
from shared.runtime.traces import NO_TRACES, Span, Traces, plain_traceparent

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import SpanContext

_NAME: Final = "orderlink"
_CLOSE_SECONDS: Final = 1.0


class OtelTraces:
    """Spans for one process. OpenTelemetry is imported here, since it takes a while and few need it."""

    on = True

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.context import Context  # noqa: PLC0415

        self._provider = provider
        self._tracer = provider.get_tracer(_NAME)
        self._root: Context = Context()

    def begin(self, name: str, parent: str | None, **told: str | int | bool) -> Span:
        """A span as part of the parent's trace, or the first of a new one."""
        return _Begun(self._tracer.start_span(name, self._context(parent), attributes=told))

    def close(self) -> None:
        """Send what is left. Blocks for as long as the collector lets it."""
        self._provider.shutdown()

    def _context(self, parent: str | None) -> "Context":
        from opentelemetry.trace import NonRecordingSpan, set_span_in_context  # noqa: PLC0415

        above = span_context(parent)
        return self._root if above is None else set_span_in_context(NonRecordingSpan(above), self._root)


class _Begun:
    """One span of OpenTelemetry's."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: "OtelSpan") -> None:
        self._span = span
        here = span.get_span_context()
        self.traceparent = f"00-{here.trace_id:032x}-{here.span_id:016x}-{int(here.trace_flags):02x}"

    def link(self, traceparent: str | None) -> None:
        other = span_context(traceparent)
        if other is not None:
            self._span.add_link(other)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, **told: str | int | bool) -> None:
        self._span.set_attributes(told)

    def end(self) -> None:
        self._span.end()


def span_context(traceparent: str | None) -> "SpanContext | None":
    """A traceparent as OpenTelemetry has it; None for anything else."""
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

    if plain_traceparent(traceparent) is None or traceparent is None:
        return None
    _, *numbers = traceparent.split("-")
    trace_id, span_id, flags = (int(number, 16) for number in numbers)
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


async def ended(traces: Traces) -> None:
    """Send what is left, for a moment; a collector that is away must not keep a process from its end."""
    if not isinstance(traces, OtelTraces):
        return
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def close() -> None:
        traces.close()
        with suppress(RuntimeError):  # nobody waits any more: the loop has ended
            loop.call_soon_threadsafe(closed.set)

    Thread(target=close, name="close-traces", daemon=True).start()
    await wait_at_most(_CLOSE_SECONDS, closed)


def traces_from(settings: CommonSettings, service: str, role: str) -> Traces:
    """Where this process' spans go, by its settings."""
    if settings.otlp_endpoint is None:
        return NO_TRACES
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    about = {"service.name": f"orderlink-{service}", "service.namespace": _NAME, "orderlink.role": role}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelTraces(provider)
