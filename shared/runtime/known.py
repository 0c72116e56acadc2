"""Known versions: files that this engine committed itself, so that it need not read them again.

A version of a file has one content for ever, but for `pending`, since commits are guarded by it. So
what an engine committed under a version is what a document of that version holds, and reading and
validating all of it again can be left out. Only clear commits are kept: one whose outcome is unknown
may be somebody else's version.
"""

from collections import OrderedDict
from collections.abc import Iterable

from shared.runtime.file import File, from_document, pending_in
from shared.runtime.ports import Document
from shared.runtime.service import Service


class KnownVersions:
    """A memory of files, bounded in their number and their size; the least recently used goes first."""

    def __init__(self, service: Service, max_files: int, max_bytes: int) -> None:
        self._service = service
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, File] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    def keep(self, file: File, size: int) -> None:
        """Remember a file as it was just committed, but for `pending`, which is always read.

        `size` is what its document takes in bytes. One that is larger than all may be together is
        forgotten rather than kept in place of the others.
        """
        self.forget(file.subject)
        if size > self._max_bytes:
            return
        self._kept[file.subject] = file.copy([])
        self._sizes[file.subject] = size
        self._bytes += size
        while len(self._kept) > self._max_files or self._bytes > self._max_bytes:
            self.forget(next(iter(self._kept)))

    def forget(self, subject: str) -> None:
        """Let go of what is known of a file, so that it is read whole the next time."""
        if self._kept.pop(subject, None) is not None:
            self._bytes -= self._sizes.pop(subject)

    def held(self, subjects: Iterable[str]) -> dict[str, File]:
        """Those of these files that are known, as they are known now.

        Whoever loads documents takes this first and reads by it afterwards: while the database
        answers, another loop of the same worker may commit a newer version and have it remembered.
        """
        return {subject: self._kept[subject] for subject in subjects if subject in self._kept}

    def read(self, document: Document, held: File | None) -> File:
        """Read a document, from `held` where that is its version: then only its `pending` is looked at."""
        if held is None or held.version != document["version"]:
            return from_document(self._service, document)
        if document["_id"] in self._kept:
            self._kept.move_to_end(document["_id"])
        return held.copy(pending_in(document))
