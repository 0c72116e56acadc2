"""The people of a timeline, played over HTTP: agents who work tasks, buyers who answer.

An act names a task by its order and kind; here the task is found as an agent would find it, in the
list of tasks. In a simulation the same requests go to the services' applications in this process.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, assert_never
from urllib.parse import quote

import httpx

from shared.contracts.acts import (
    AnyAct,
    ClaimStep,
    OfferAnswered,
    OrderChange,
    RemedyChosen,
    TaskClaim,
    TaskComplete,
    TaskHeartbeat,
    TaskReturn,
    WishFlag,
)

PAGE: Final = 200
NO_SUCH_TASK: Final = "no-such-task"
NO_SUCH_CASE: Final = "no-such-case"

TaskAct = TaskClaim | TaskHeartbeat | TaskReturn | TaskComplete


class ActFailed(Exception):
    """The service could not be asked; that is no refusal."""


class Agents:
    """Does what acts say. `clients` are the HTTP clients of the services."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self._clients = clients

    async def act(self, act: AnyAct) -> str | None:
        """Do it. None, or the slug with which it was refused. Raises `ActFailed`."""
        match act:
            case TaskClaim() | TaskHeartbeat() | TaskReturn() | TaskComplete():
                return await self._work(act)
            case OfferAnswered(case_id=case_id, accepted=accepted):
                return await self._on_case(act, case_id, "offer-answer", {"accept": accepted})
            case RemedyChosen(remedy=remedy):
                lost = await self._case_of_loss(act.order_id)
                if lost is None:
                    return NO_SUCH_CASE
                return await self._on_case(act, lost, "choice", {"choice": remedy})
            case OrderChange(change=change, agent_id=agent_id):
                return await self._on_order(act, "changes", {"change": change, "agent_id": agent_id})
            case WishFlag(wish_id=wish_id, agent_id=agent_id):
                what = f"wishes/{quote(wish_id, safe='')}/flag"
                return await self._on_order(act, what, {"agent_id": agent_id})
            case ClaimStep(parcel_id=parcel_id, step=step, details=details):
                what = f"parcels/{quote(parcel_id, safe='')}/claim/{step}"
                return await self._on_order(act, what, details, "logistics")
            case _:
                assert_never(act)

    async def _on_order(
        self, act: AnyAct, what: str, body: dict[str, Any], service: str = "orders"
    ) -> str | None:
        return await self._post(service, f"/orders/{quote(act.order_id, safe='')}/{what}", act.id, body)

    async def _work(self, act: TaskAct) -> str | None:
        task_id = await self._task(act)
        if task_id is None:
            return NO_SUCH_TASK
        body: dict[str, Any] = {"agent_id": act.agent_id}
        if isinstance(act, TaskComplete):
            body |= {"outcome": act.outcome, "details": act.details}
        verb = act.act.removeprefix("task.")
        return await self._post("notifications", f"/tasks/{quote(task_id, safe='')}/{verb}", act.id, body)

    async def _task(self, act: TaskAct) -> str | None:
        """The oldest live task of that kind on that order; for its holder, the one he holds."""
        claimed = await self._tasks(act, "claimed")
        mine = [task for task in claimed if task["agent_id"] == act.agent_id]
        waiting = await self._tasks(act, "open")
        found = (waiting or claimed) if isinstance(act, TaskClaim) else (mine or waiting or claimed)
        return str(min(found, key=lambda task: task["created_at"])["task_id"]) if found else None

    async def _tasks(self, act: TaskAct, status: str) -> list[dict[str, Any]]:
        query: dict[str, str | int] = {"status": status, "kind": act.kind, "limit": PAGE}
        found: list[dict[str, Any]] = []
        while True:
            page = await self._get("notifications", "/tasks", query)
            found += [item["task"] for item in page["items"] if item["order_id"] == act.order_id]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]

    async def _case_of_loss(self, order_id: str) -> str | None:
        listed = await self._get("aftersales", f"/orders/{quote(order_id, safe='')}/cases", {})
        cases = [item["case"] for item in listed]
        waiting = [case for case in cases if case["kind"] == "lost_parcel" and case["ended_at"] is None]
        return str(waiting[0]["case_id"]) if waiting else None

    async def _on_case(self, act: AnyAct, case_id: str, what: str, body: dict[str, Any]) -> str | None:
        path = f"/orders/{quote(act.order_id, safe='')}/cases/{quote(case_id, safe='')}/{what}"
        return await self._post("aftersales", path, act.id, body)

    async def _get(self, service: str, path: str, query: Mapping[str, str | int]) -> Any:
        answer = await self._clients[service].get(path, params=dict(query))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return []
        if not answer.is_success:
            raise ActFailed(f"GET {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    async def _post(self, service: str, path: str, key: str, body: dict[str, Any]) -> str | None:
        answer = await self._clients[service].post(path, json=body, headers={"Idempotency-Key": key})
        if answer.is_success:
            return None
        if answer.is_server_error:
            raise ActFailed(f"POST {path}: {answer.status_code} {answer.text[:300]}")
        return str(answer.json()["slug"])
