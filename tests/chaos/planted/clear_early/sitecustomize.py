"""Planted: a relay that clears what is pending before the broker has acknowledged it."""

from collections.abc import Sequence

from shared.runtime.file import File
from shared.runtime.ports import Cleared
from shared.runtime.relay import Relay

_publish = Relay.publish


async def _clear_first(self: Relay, files: Sequence[File]) -> int:
    await self._store.clear(
        [Cleared(file.subject, each.topic, each.seq) for file in files for each in file.pending]
    )
    return await _publish(self, files)


Relay.publish = _clear_first  # type: ignore[method-assign]  # that is the defect
