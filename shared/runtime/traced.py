"""The engine's spans: one for each piece of work that follows from something, or that a timer begins."""

from collections.abc import Sequence
from dataclasses import replace

from shared.runtime.traces import Span, Traces
from shared.runtime.work import Ask, Done, FireTimers, Hear, Tell, Work


class Traced:
    """A run's work with a span for each piece, given to what follows from it."""

    def __init__(self, traces: Traces, service: str, work: Sequence[Work]) -> None:
        begun = [_begun(traces, service, piece) for piece in work]
        self.work = [piece for piece, _ in begun]
        self._spans = [span for _, span in begun]

    def end(self, done: Sequence[Done]) -> None:
        """Tell the spans of what was done. Timers that did not fire after all are nothing to tell of."""
        for piece, span, answer in zip(self.work, self._spans, done, strict=True):
            if span is None or (isinstance(piece, FireTimers) and not answer.fired):
                continue
            for name, set_by in answer.fired:
                span.rename(f"timer {name}")
                span.link(set_by)
            span.note(duplicate=answer.duplicate, poisoned=answer.poisoned)
            if answer.refused is not None:
                span.note(refused=answer.refused.slug)
            span.end()


def _begun(traces: Traces, service: str, piece: Work) -> tuple[Work, Span | None]:
    told = {"orderlink.service": service, "orderlink.subject": piece.subject}
    match piece:
        case Hear(event=event):
            span = traces.begin(f"hear {event.name}", event.traceparent, event_id=event.id, **told)
        case Tell(fact=fact, traceparent=parent):
            span = traces.begin(f"fact {fact.fact}", parent, fact_id=fact.id, **told)
        case Ask(command=command, traceparent=parent):
            span = traces.begin(f"command {type(command).__name__}", parent, **told)
        case FireTimers():
            span = traces.begin("timer", None, **told)
        case _:
            return piece, None
    return replace(piece, traceparent=span.traceparent), span
