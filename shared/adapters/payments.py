"""Money back to buyers, through a payment provider's HTTP API.

The provider takes `POST <url>/refunds` and dedupes by `Idempotency-Key`, which is the effect's id:
so a refund that is tried again after a crash or a timeout is paid once.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

from shared.adapters.settings import PaymentSettings
from shared.runtime.ports import EffectResult
from shared.runtime.traces import HERE

FIELDS: Final = ("order_id", "amount", "currency", "payment_id", "reason")
_AGAIN: Final = frozenset({401, 403, 408, 409, 425, 429})
"""Answers that say nothing of the refund: wrong credentials, too early, too many; and 409, by which the first
request under this key is still at work (draft-ietf-httpapi-idempotency-key-header, section 2.7; so Razorpay
and PPRO, in their pages on idempotency). With some it is a key used for another body, which ours never is.
"""
_PLAIN: Final = "!#$&'()*+,/:;=?@[]~|"
"""What may stand in a header as it is, beside letters, digits, `-`, `.` and `_`."""
_ANSWER_MAX_CHARS: Final = 200


class PaymentChannel:
    """The refund channel. Connections are kept until the process ends."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        timeout_seconds: float = 15.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/") + "/refunds"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds, headers=headers, follow_redirects=False, transport=transport
        )

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Pay one refund. 2xx is done; most of 4xx has failed for good; 5xx and silence are tried again."""
        body = {name: request[name] for name in FIELDS if name in request}
        headers = {"Idempotency-Key": quote(effect_id, safe=_PLAIN)}
        if (here := HERE.get()) is not None:
            headers["traceparent"] = here
        try:
            response = await self._client.post(self._url, json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            return _again(f"the payment provider can't be reached: {type(problem).__name__}")
        return _read(response)


def payment_channel(settings: PaymentSettings) -> PaymentChannel | None:
    """The channel that the settings describe, if they name a provider."""
    if settings.payments_url is None:
        return None
    token = settings.payments_token
    return PaymentChannel(
        settings.payments_url,
        None if token is None else token.get_secret_value(),
        settings.payments_max_seconds,
    )


def _read(response: httpx.Response) -> EffectResult:
    status = response.status_code
    reason = f"the payment provider answered {status}"
    if response.is_success:
        return EffectResult(done=True, result={"refund_id": _refund_id(response)})
    if 400 <= status < 500 and status not in _AGAIN:
        return EffectResult(done=False, reason=reason)
    return _again(reason)


def _refund_id(response: httpx.Response) -> str:
    """The provider's own number of the refund; empty where it gives none. The money has moved either way."""
    try:
        answer = response.json()
    except ValueError:
        return ""
    found = answer.get("refund_id", "") if isinstance(answer, dict) else ""
    return found[:_ANSWER_MAX_CHARS] if isinstance(found, str) else ""


def _again(reason: str) -> EffectResult:
    return EffectResult(done=False, retry=True, reason=reason)
