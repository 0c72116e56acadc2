"""Whatever is sent to any route of any service, the answer is a 2xx or a clear 4xx."""

import asyncio
import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.http.auth import INLETS
from tests.http.town import Town

texts = st.text(max_size=12) | st.sampled_from(["A-1", "c-1", "", "\x00", "é" * 200, "approve", "anna"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["agent_id", "outcome", "details", "reason", "text", "accept", "choice", "note", "refs", "winner"]
)
bodies = st.dictionaries(names, anything, max_size=4) | anything
LOOP: Final = asyncio.new_event_loop()


async def _made() -> tuple[Town, str]:
    town = Town()
    await town.start()
    await town.place()
    await town.pay()
    await town.dispatch()
    await town.tell(
        "refund.requested", case_id="c-1", kind="refund_only", reason="damaged", amount="10.00", lines=["1"]
    )
    page = await town.see("notifications", "/tasks", status="open")
    return town, page["items"][0]["task"]["task_id"]


TOWN, TASK = LOOP.run_until_complete(_made())


def _routes(method: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for service in TOWN.houses:
        spec = LOOP.run_until_complete(TOWN.see(service, "/openapi.json"))
        found += [(service, path) for path, methods in spec["paths"].items() if method in methods]
    return found


def _filled(path: str) -> str:
    known = {
        "order_id": "A-1",
        "case_id": "c-1",
        "task_id": TASK,
        "carrier": "dhl",
        "tracking_no": "t%2FA-1",
        "inlet": "shopify",
        "wish_id": "w-1",
        "shortage_id": "s-1",
        "parcel_id": "p-A-1",
        "incident_id": "dhl~FR~1",
    }
    return path.format(**known)


@settings(max_examples=150, deadline=None)
@given(route=st.sampled_from(_routes("post")), body=bodies, key=st.integers(0, 10**9))
def test_any_body_to_any_command(route: tuple[str, str], body: Any, key: int) -> None:
    service, path = route
    asked = TOWN.ask(
        service,
        "POST",
        _filled(path),
        key=str(key),
        content=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    response = LOOP.run_until_complete(asked)
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"]


@settings(max_examples=100, deadline=None)
@given(
    route=st.sampled_from(_routes("get")),
    query=st.dictionaries(
        st.sampled_from(["cursor", "limit", "shop", "stage", "status", "kind", "open", "agent", "odd"]),
        texts,
        max_size=3,
    ),
)
def test_any_query_to_any_look(route: tuple[str, str], query: dict[str, str]) -> None:
    service, path = route
    asked = TOWN.ask(service, "GET", _filled(path), params=query)
    assert LOOP.run_until_complete(asked).status_code < 500


@pytest.mark.parametrize("service", list(TOWN.houses))
def test_every_route_documents_its_problems_and_scopes(service: str) -> None:
    spec = LOOP.run_until_complete(TOWN.see(service, "/openapi.json"))
    public = {"/healthz", "/livez", "/readyz", "/metrics", "/version", "/charts"}
    for path, methods in spec["paths"].items():
        for method, told in methods.items():
            assert told["summary"], path
            if path not in public:
                assert told.get("security") or path.startswith(INLETS), path
                assert "401" in told["responses"], path
            if method == "post":
                assert "422" in told["responses"], path
