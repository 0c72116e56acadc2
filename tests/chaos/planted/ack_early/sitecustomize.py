"""Planted: a worker that acknowledges a batch before it has committed what follows from it."""

from collections.abc import Sequence

from shared.runtime import worker
from shared.runtime.ports import Record

_digest = worker.Worker.digest


async def _acknowledge_first(self: worker.Worker, records: Sequence[Record]) -> None:
    await self.transport.ack(records)
    await _digest(self, records)


worker.Worker.digest = _acknowledge_first  # type: ignore[method-assign]  # that is the defect
