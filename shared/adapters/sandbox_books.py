"""What the sandbox remembers: mails as files with an index, refunds with every call about them."""

import json
from collections import deque
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

KEPT_IN_MEMORY: Final = 10_000
_PREVIEW_CHARS: Final = 2_000


class _Lines:
    """A file of JSON objects, one a line, written through at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def read(self) -> list[dict[str, Any]]:
        """What was written before; a last line that was cut off is left out."""
        if not self._path.exists():
            return []
        found: list[dict[str, Any]] = []
        for line in self._path.read_text("utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def add(self, entry: dict[str, Any]) -> None:
        """One more line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")


class MailBook:
    """The mails that came: one `.eml` file each, and `index.jsonl`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "mails"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._index = _Lines(self._directory / "index.jsonl")
        known = self._index.read()
        self._newest: deque[dict[str, Any]] = deque(known, maxlen=KEPT_IN_MEMORY)
        self._count = len(known)

    def __len__(self) -> int:
        return self._count

    def add(self, sender: str, recipients: list[str], raw: bytes) -> dict[str, Any]:
        """Keep a mail."""
        message = message_from_bytes(raw, policy=default)
        body = message.get_body(("plain",))
        self._count += 1
        name = f"{self._count:06d}.eml"
        entry = {
            "number": self._count,
            "message_id": str(message["Message-ID"] or ""),
            "date": str(message["Date"] or ""),
            "from": sender,
            "to": recipients,
            "subject": str(message["Subject"] or ""),
            "order_id": unquote(str(message["X-Orderlink-Order"] or "")),
            "text": "" if body is None else body.get_content()[:_PREVIEW_CHARS],
            "file": name,
        }
        (self._directory / name).write_bytes(raw)
        self._index.add(entry)
        self._newest.append(entry)
        return entry

    def newest(self, limit: int, order_id: str | None = None, to: str | None = None) -> list[dict[str, Any]]:
        """The newest mails, oldest of them first."""
        found = [
            entry
            for entry in self._newest
            if order_id in (None, entry["order_id"]) and (to is None or to in entry["to"])
        ]
        return found[-limit:]

    def raw(self, number: int) -> bytes | None:
        """A mail as it came."""
        path = self._directory / f"{number:06d}.eml"
        return path.read_bytes() if 0 < number <= self._count and path.exists() else None


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What the provider says to one call."""

    status: int
    slug: str = ""
    refund: dict[str, Any] | None = None


class RefundBook:
    """Refunds by key, and every call, so that a test can count what was asked and what was paid."""

    def __init__(self, directory: Path) -> None:
        self._log = _Lines(directory / "refunds.jsonl")
        self._by_key: dict[str, dict[str, Any]] = {}
        self._seen_flaky: set[str] = set()
        self.calls = 0
        for entry in self._log.read():
            self.calls += 1
            self._seen_flaky.add(entry["key"])
            if entry["status"] in (200, 201):
                self._note(entry["key"], entry["asked"])

    def __len__(self) -> int:
        return len(self._by_key)

    def pay(self, key: str, asked: dict[str, Any]) -> RefundAnswer:
        """Answer one call, and write it down before answering."""
        answer = self._answer(key, asked)
        self.calls += 1
        self._log.add({"key": key, "asked": asked, "status": answer.status, "slug": answer.slug})
        if answer.status in (200, 201):
            return RefundAnswer(answer.status, refund=self._note(key, asked))
        return answer

    def newest(self, limit: int, order_id: str | None = None) -> list[dict[str, Any]]:
        """The newest refunds, oldest of them first."""
        found = [entry for entry in self._by_key.values() if order_id in (None, entry["order_id"])]
        return found[-limit:]

    def _answer(self, key: str, asked: dict[str, Any]) -> RefundAnswer:
        known = self._by_key.get(key)
        if known is not None:
            same = all(known.get(name) == value for name, value in asked.items())
            return RefundAnswer(200) if same else RefundAnswer(422, "idempotency-key-reused")
        payment_id = str(asked.get("payment_id") or "")
        if payment_id.startswith("fail"):
            return RefundAnswer(422, "payment-not-refundable")
        if payment_id.startswith("flaky") and key not in self._seen_flaky:
            self._seen_flaky.add(key)
            return RefundAnswer(503, "away-for-now")
        return RefundAnswer(201)

    def _note(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        number = f"re_{len(self._by_key) + 1:06d}"
        entry = self._by_key.setdefault(key, {"refund_id": number, "key": key, **asked, "calls": 0})
        entry["calls"] += 1
        return entry
