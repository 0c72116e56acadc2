"""Refunds: one suite for the provider in memory and the one over HTTP, then what HTTP can do wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from shared.adapters.memory_outside import MemoryPayments
from shared.adapters.payments import PaymentChannel, payment_channel
from shared.adapters.sandbox import Sandbox, SandboxSettings
from shared.adapters.sandbox_books import RefundBook
from shared.adapters.settings import PaymentSettings
from shared.runtime.ports import EffectResult, Outside
from shared.runtime.traces import HERE

REFUND = {
    "order_id": "A-1",
    "amount": "16.45",
    "currency": "EUR",
    "payment_id": "p-1",
    "reason": "answer_within",
}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    it = Sandbox(SandboxSettings(port=0, smtp_port=0, dir=tmp_path))
    await it.start()
    yield it
    await it.stop()


class Provider:
    """A channel and how often it paid."""

    def __init__(self, channel: Outside, sandbox: Sandbox | None) -> None:
        self.channel = channel
        self.sandbox = sandbox

    def paid(self) -> int:
        if self.sandbox is None:
            return len(cast(MemoryPayments, self.channel).refunds)
        return len(self.sandbox.refunds)


@pytest.fixture(params=["memory", "http"])
async def provider(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Provider]:
    if request.param == "memory":
        yield Provider(MemoryPayments(), None)
        return
    sandbox = Sandbox(SandboxSettings(port=0, smtp_port=0, dir=tmp_path))
    await sandbox.start()
    async with httpx.AsyncHTTPTransport() as transport:
        channel = PaymentChannel(f"http://127.0.0.1:{sandbox.port}", transport=transport)
        yield Provider(channel, sandbox)
    await sandbox.stop()


async def test_a_refund_is_paid_and_has_the_providers_number(provider: Provider) -> None:
    result = await provider.channel.perform("refund-1", REFUND)
    assert result.done
    assert result.result["refund_id"].startswith("re_")
    assert provider.paid() == 1


async def test_a_refund_that_is_tried_again_is_paid_once(provider: Provider) -> None:
    first = await provider.channel.perform("refund-1", REFUND)
    again = await provider.channel.perform("refund-1", REFUND)
    assert first == again
    assert provider.paid() == 1


async def test_two_refunds_are_paid_both(provider: Provider) -> None:
    await provider.channel.perform("refund-1", REFUND)
    await provider.channel.perform("refund-2", REFUND)
    assert provider.paid() == 2


async def test_the_same_id_for_something_else_has_failed_for_good(provider: Provider) -> None:
    await provider.channel.perform("refund-1", REFUND)
    result = await provider.channel.perform("refund-1", {**REFUND, "amount": "99.00"})
    assert result == EffectResult(done=False, reason="the payment provider answered 422")
    assert provider.paid() == 1


async def test_an_id_of_any_characters_is_paid_once(provider: Provider) -> None:
    for _ in range(2):
        assert (await provider.channel.perform("Ünïcode\n/1", REFUND)).done
    assert provider.paid() == 1


async def test_what_the_provider_refuses_has_failed_for_good(channel: PaymentChannel) -> None:
    result = await channel.perform("refund-1", {**REFUND, "payment_id": "fail-1"})
    assert result == EffectResult(done=False, reason="the payment provider answered 422")


async def test_a_provider_that_is_away_for_a_moment_is_tried_again(
    sandbox: Sandbox, channel: PaymentChannel
) -> None:
    first = await channel.perform("refund-1", {**REFUND, "payment_id": "flaky-1"})
    assert (first.done, first.retry) == (False, True)
    assert (await channel.perform("refund-1", {**REFUND, "payment_id": "flaky-1"})).done
    assert sandbox.refunds.calls == 2


@pytest.mark.parametrize(
    ("status", "retry"),
    [
        (400, False),
        (404, False),
        (409, True),
        (422, False),
        (401, True),
        (403, True),
        (408, True),
        (425, True),
        (429, True),
        (301, True),
        (500, True),
        (503, True),
    ],
)
async def test_an_answer_is_final_or_not_by_its_status(status: int, retry: bool) -> None:
    channel = _answering(
        lambda request: httpx.Response(status, headers={"Location": "https://elsewhere.test"})
    )
    result = await channel.perform("refund-1", REFUND)
    assert (result.done, result.retry) == (False, retry)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"refund_id": 5}', b'{"refund_id": "re_9"}'])
async def test_a_yes_is_a_yes_whatever_stands_in_it(body: bytes) -> None:
    result = await _answering(lambda request: httpx.Response(200, content=body)).perform("refund-1", REFUND)
    assert result.done
    assert result.result["refund_id"] in ("", "re_9")


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError])
async def test_silence_is_tried_again(error: type[httpx.TransportError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("gone", request=request)

    result = await _answering(fail).perform("refund-1", REFUND)
    assert (result.done, result.retry) == (False, True)


async def test_the_request_carries_key_token_and_nothing_else_of_the_order() -> None:
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"refund_id": "re_1"})

    await _answering(note, token="secret").perform("refund-1", {**REFUND, "receiver": "Jane"})
    assert seen[0].url == "https://pay.test/api/refunds"
    assert seen[0].headers["Idempotency-Key"] == "refund-1"
    assert seen[0].headers["Authorization"] == "Bearer secret"
    assert b"Jane" not in seen[0].content


async def test_the_request_goes_with_the_trace_that_it_is_of() -> None:
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201)

    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    before = HERE.set(trace)
    await _answering(note).perform("refund-1", REFUND)
    HERE.reset(before)
    await _answering(note).perform("refund-2", REFUND)
    assert [request.headers.get("traceparent") for request in seen] == [trace, None]


def test_the_channel_is_built_from_the_settings() -> None:
    assert payment_channel(PaymentSettings()) is None
    settings = PaymentSettings(payments_url="https://pay.test", payments_token=SecretStr("t"))
    assert payment_channel(settings) is not None


async def test_the_sandbox_shows_what_was_paid_and_asked(sandbox: Sandbox, channel: PaymentChannel) -> None:
    for _ in range(3):
        await channel.perform("refund-1", REFUND)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{sandbox.port}") as client:
        shown = (await client.get("/refunds", params={"order_id": "A-1"})).json()
        assert (shown["calls"], len(shown["refunds"]), shown["refunds"][0]["calls"]) == (3, 1, 3)
        assert (await client.get("/")).json() == {"mails": 0, "refunds": 1, "refund_calls": 3}
        assert (await client.post("/refunds", json=REFUND)).status_code == 422
        assert (await client.get("/mails/1")).status_code == 404


def test_the_sandbox_remembers_over_a_restart(tmp_path: Path) -> None:
    first: Any = RefundBook(tmp_path).pay("k-1", REFUND)
    again = RefundBook(tmp_path)
    assert again.pay("k-1", REFUND).status == 200
    assert (len(again), again.calls, first.status) == (1, 2, 201)


@pytest.fixture
async def channel(sandbox: Sandbox) -> AsyncIterator[PaymentChannel]:
    async with httpx.AsyncHTTPTransport() as transport:
        yield PaymentChannel(f"http://127.0.0.1:{sandbox.port}", transport=transport)


def _answering(answer: Any, token: str | None = None) -> PaymentChannel:
    return PaymentChannel("https://pay.test/api/", token, transport=httpx.MockTransport(answer))
