"""Known versions: states and views that this engine committed itself, so that it need not read them.

A version of a file has one content for ever, since commits are guarded by it. So what an engine
committed under a version is what a document of that version holds, and validating it again can be
left out. Only clear commits are kept: one whose outcome is unknown may be somebody else's version.
"""

from collections import OrderedDict
from typing import Any

from shared.runtime.file import File, from_document
from shared.runtime.ports import Document
from shared.runtime.service import Service


class KnownVersions:
    """A bounded memory of versions; the least recently used goes first."""

    def __init__(self, service: Service, max_files: int) -> None:
        self._service = service
        self._max_files = max_files
        self._kept: OrderedDict[str, tuple[int, Any, Any]] = OrderedDict()

    def keep(self, file: File) -> None:
        """Remember a file as it was just committed."""
        self._kept[file.subject] = (file.version, file.state, file.view)
        self._kept.move_to_end(file.subject)
        if len(self._kept) > self._max_files:
            self._kept.popitem(last=False)

    def read(self, document: Document) -> File:
        """Read a document, from memory where its version is known."""
        kept = self._kept.get(document["_id"])
        if kept is None or kept[0] != document["version"]:
            return from_document(self._service, document)
        self._kept.move_to_end(document["_id"])
        return from_document(self._service, document, known=kept[1:])
