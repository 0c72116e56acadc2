"""The outside in memory: channels that record what they were asked, for tests and simulations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.adapters.smtp import MailRefused, message_id, write_mail
from shared.runtime.ports import EffectResult


@dataclass(slots=True)
class MemoryMail:
    """A mailbox that takes everything that is a mail. `attempts` counts repetitions too."""

    attempts: list[str] = field(default_factory=list[str])
    mails: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """By Message-ID: what a mail server that dedupes would have delivered."""
    answers: list[EffectResult] = field(default_factory=list[EffectResult])
    """What to answer to the next attempts instead."""

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Take one mail."""
        self.attempts.append(effect_id)
        if self.answers:
            return self.answers.pop(0)
        try:
            write_mail(effect_id, request)
        except MailRefused as problem:
            return EffectResult(done=False, reason=str(problem))
        self.mails[message_id(effect_id)] = dict(request)
        return EffectResult(done=True, result={"message_id": message_id(effect_id)})


@dataclass(slots=True)
class MemoryPayments:
    """A payment provider that pays each id once."""

    attempts: list[str] = field(default_factory=list[str])
    refunds: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """By effect id: what was paid."""
    answers: list[EffectResult] = field(default_factory=list[EffectResult])
    """What to answer to the next attempts instead."""

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Pay one refund, or say again that it was paid."""
        self.attempts.append(effect_id)
        if self.answers:
            return self.answers.pop(0)
        paid = self.refunds.setdefault(effect_id, dict(request))
        if dict(paid) != dict(request):
            return EffectResult(done=False, reason="the payment provider answered 422")
        return EffectResult(done=True, result={"refund_id": f"re_{list(self.refunds).index(effect_id) + 1}"})
