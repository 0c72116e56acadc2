"""An agent's desk: claims the next task, keeps it, says the outcome, and survives what goes wrong."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.client import AgentDesk, Away, Refusal
from shared.client import agents as agents_module

Answer = Callable[[httpx.Request], httpx.Response]


class Board:
    """A task board over HTTP, in memory: what was asked of it, and answers that were planned for it."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self.tasks = list(tasks)
        self.asked: list[tuple[str, str, dict[str, Any], str]] = []
        self.planned: list[Answer | Exception] = []
        self.listed: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        key = request.headers.get("Idempotency-Key", "")
        self.asked.append((request.method, request.url.path, body, key))
        if self.planned:
            planned = self.planned.pop(0)
            if isinstance(planned, Exception):
                raise planned
            return planned(request)
        if request.method == "GET":
            kind = request.url.params.get("kind")
            items = [each for each in self.tasks if kind in (None, each["task"]["kind"])]
            self.listed += [each["task"]["task_id"] for each in items]
            return httpx.Response(200, json={"items": items, "next": None})
        return httpx.Response(200, json={"task_id": request.url.path.split("/")[2]})

    def told(self, what: str) -> list[dict[str, Any]]:
        return [body for _, path, body, _ in self.asked if path.endswith(f"/{what}")]

    def desk(self, heartbeat_seconds: float = 60.0) -> AgentDesk:
        http = httpx.AsyncClient(base_url="http://board.example", transport=httpx.MockTransport(self))
        return AgentDesk("http://board.example", "token", "mia", heartbeat_seconds, http)


def task(task_id: str, kind: str = "answer_buyer", **fields: Any) -> dict[str, Any]:
    seen = {"task_id": task_id, "kind": kind, "status": "open", **fields}
    return {"order_id": "A-1", "shop_id": "demo", "task": seen, "outcomes": []}


def no(status: int, slug: str) -> Answer:
    return lambda request: httpx.Response(status, json={"slug": slug, "detail": "no"})


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(agents_module, "LAST_PAUSE_SECONDS", 0.0)


async def test_what_can_be_done_and_is_most_urgent_is_claimed_first_then_what_is_due_first() -> None:
    board = Board(
        task("t-1"),
        task("t-2", priority="high", due_at="2026-03-05T10:00:00Z"),
        task("t-3", priority="high", due_at="2026-03-04T10:00:00Z"),
        task("t-4", priority="high"),
        task("t-5", priority="urgent", blocked_by="t-4"),
    )
    async with board.desk() as desk:
        assert [found.task_id for found in await desk.open_tasks()] == ["t-3", "t-2", "t-4", "t-1", "t-5"]
        claimed = await desk.claim_next()
    assert claimed is not None
    assert claimed.task.task_id == "t-3"
    assert board.told("claim") == [{"agent_id": "mia"}]


async def test_only_tasks_of_the_wanted_kinds_are_claimed() -> None:
    board = Board(task("t-1"), task("t-2", kind="look_into"))
    async with board.desk() as desk:
        claimed = await desk.claim_next("look_into")
        assert claimed is not None
        assert claimed.task.task_id == "t-2"
        assert await desk.claim_next("decide_case") is None


async def test_of_the_board_no_other_kinds_are_read_than_those_asked_for() -> None:
    board = Board(
        task("t-1"),
        task("t-2", kind="decide_case"),
        task("t-3", kind="look_into"),
        task("t-4", priority="urgent"),
    )
    async with board.desk() as desk:
        found = await desk.open_tasks("look_into", "answer_buyer")
    assert [each.task_id for each in found] == ["t-4", "t-1", "t-3"]
    assert "t-2" not in board.listed


async def test_a_task_that_somebody_else_took_first_is_passed_over() -> None:
    board = Board(task("t-1"), task("t-2"))
    async with board.desk() as desk:
        board.planned = [
            lambda request: httpx.Response(200, json={"items": board.tasks}),
            no(409, "task-claimed"),
        ]
        claimed = await desk.claim_next()
    assert claimed is not None
    assert claimed.task.task_id == "t-2"


async def test_every_page_of_the_board_is_read() -> None:
    board = Board()
    pages: list[Answer] = [
        lambda request: httpx.Response(200, json={"items": [task("t-1")], "next": "c"}),
        lambda request: httpx.Response(200, json={"items": [task("t-2")], "next": None}),
    ]
    board.planned = [*pages]
    async with board.desk() as desk:
        assert len(await desk.open_tasks()) == 2


async def test_a_completed_task_is_told_once_with_outcome_and_details() -> None:
    board = Board(task("t-1"))
    async with board.desk() as desk:
        claimed = await desk.claim_next()
        assert claimed is not None
        async with claimed:
            await claimed.complete("answered", text="It comes tomorrow.")
    assert board.told("complete") == [
        {"agent_id": "mia", "outcome": "answered", "details": {"text": "It comes tomorrow."}}
    ]
    assert board.told("return") == []
    assert claimed.done


async def test_a_task_left_without_an_outcome_goes_back_to_the_queue() -> None:
    board = Board(task("t-1"))
    async with board.desk() as desk:
        claimed = await desk.claim_next()
        assert claimed is not None
        with pytest.raises(ZeroDivisionError):
            async with claimed:
                raise ZeroDivisionError
    assert board.told("return") == [{"agent_id": "mia", "reason": ""}]


async def test_the_lease_is_renewed_while_the_agent_works_and_not_afterwards() -> None:
    board = Board(task("t-1"))
    async with board.desk(heartbeat_seconds=0.001) as desk:
        claimed = await desk.claim_next()
        assert claimed is not None
        async with claimed:
            while len(board.told("heartbeat")) < 3:
                await asyncio.sleep(0)
            await claimed.complete("no_answer_needed")
        beats = len(board.told("heartbeat"))
        await asyncio.sleep(0.01)
    assert len(board.told("heartbeat")) == beats


async def test_an_agent_learns_that_the_task_is_his_no_more() -> None:
    board = Board(task("t-1"))
    async with board.desk(heartbeat_seconds=0.001) as desk:
        claimed = await desk.claim_next()
        assert claimed is not None
        board.planned = [no(409, "task-not-yours")]
        async with claimed:
            while not claimed.lost:
                await asyncio.sleep(0)
    assert board.told("return") == []


async def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    board = Board(task("t-1"))
    async with board.desk() as desk:
        claimed = await desk.claim_next()
        assert claimed is not None
        board.asked.clear()
        board.planned = [httpx.ReadTimeout("slow"), no(503, "unavailable"), no(429, "slow-down")]
        await claimed.complete("no_answer_needed")
    assert len(board.asked) == 4
    assert len({key for *_, key in board.asked}) == 1


async def test_two_commands_have_two_keys() -> None:
    board = Board(task("t-1"))
    async with board.desk() as desk:
        claimed = await desk.claim_next()
        assert claimed is not None
        await claimed.heartbeat()
        await claimed.heartbeat()
    keys = [key for method, _, _, key in board.asked if method == "POST"]
    assert len(set(keys)) == 3


async def test_a_refusal_carries_its_slug() -> None:
    board = Board(task("t-1"))
    async with board.desk() as desk:
        claimed = await desk.claim_next()
        assert claimed is not None
        board.planned = [no(409, "blocked-by-task")]
        with pytest.raises(Refusal) as refused:
            await claimed.complete("approve")
    assert (refused.value.status, refused.value.slug) == (409, "blocked-by-task")
    assert not claimed.done


async def test_an_answer_that_is_no_problem_document_is_a_refusal_too() -> None:
    board = Board(task("t-1"))
    board.planned = [lambda request: httpx.Response(404, text="<html>")]
    async with board.desk() as desk:
        with pytest.raises(Refusal) as refused:
            await desk.open_tasks()
    assert (refused.value.status, refused.value.slug) == (404, "unknown")


async def test_when_nobody_ever_answers_the_desk_says_so() -> None:
    board = Board(task("t-1"))
    board.planned = [httpx.ConnectError("refused")] * agents_module.TRIES
    async with board.desk() as desk:
        with pytest.raises(Away, match="GET /tasks"):
            await desk.open_tasks()


async def test_work_gives_one_task_after_the_other() -> None:
    board = Board(task("t-1"))
    done: list[str] = []
    async with board.desk() as desk:
        async for claimed in desk.work("answer_buyer", poll_seconds=0.0):
            async with claimed:
                await claimed.complete("no_answer_needed")
            done.append(claimed.task.task_id)
            if len(done) == 2:
                break
            board.tasks = [task("t-2")]
            board.planned = [lambda request: httpx.Response(200, json={"items": []})]
    assert done == ["t-1", "t-2"]


@pytest.mark.parametrize(
    ("status", "body"), [(308, b""), (304, b""), (200, b"<html>log in</html>"), (200, b"[]")]
)
async def test_what_somebody_else_answers_in_the_services_place_is_no_success(
    status: int, body: bytes
) -> None:
    board = Board(task("t-1"))
    desk = board.desk()
    (one,) = await desk.open_tasks()
    board.planned = [lambda request: httpx.Response(status, content=body)] * 2
    with pytest.raises(Refusal):
        await desk.claim(one)
    with pytest.raises(Refusal):
        await desk.open_tasks()
    await desk.close()
