"""What the log says, and what it must never hold."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import TypeAdapter

from shared.adapters.logs import logger, set_up_logs, without_personal
from shared.contracts.facts import Receiver
from tests.http.kit import ADMIN, AGENT, Door, paid, placed

PERSONAL = (
    "Jane",
    "Roe",
    "+4915550100",
    "jane.roe",
    "example.com",
    "Main Street",
    "the parcel is for my mother",
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    set_up_logs("toy", "api", "debug", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_a_request_is_one_json_line_with_ids_and_without_its_query(
    log: io.StringIO, door: Door
) -> None:
    await door.tell(placed())
    await door.ask("GET", "/orders?shop=secret-shop", headers={"X-Request-ID": "r-1"})
    told = lines(log)
    assert {"service": "toy", "role": "api", "level": "info", "event": "request"}.items() <= told[0].items()
    assert told[0]["correlation_id"] == "f-1"
    assert told[0]["route"] == "/facts"
    assert told[0]["actor"] == "platform"
    assert told[1]["request_id"] == "r-1"
    assert "secret-shop" not in log.getvalue()


async def test_the_log_holds_no_personal_data_whatever_is_sent(log: io.StringIO, door: Door) -> None:
    receiver = {
        "name": "Jane Roe",
        "phone": "+4915550100",
        "email": "jane.roe@example.com",
        "address": "Main Street 1",
    }
    wrong = {**receiver, "phone": ["+4915550100"], "shoe of Jane": 1}
    for data in ({"receiver": receiver}, {"receiver": wrong}, {"receiver": "Jane Roe"}, {"Jane Roe": 1}):
        fact = placed(id=f"f-{len(data)}")
        fact["data"].update(data)
        await door.tell(fact)
    await door.tell(paid(data={"text": "the parcel is for my mother"}))
    await door.tell(paid(id="Jane Roe <jane.roe@example.com>"))
    await door.ask(
        "POST", "/facts", content=b'{"name": "Jane Roe"', headers={"Content-Type": "application/json"}
    )
    await door.ask("GET", "/orders/Jane%20Roe?name=Jane", ADMIN)
    await door.ask("GET", "/Jane/Roe", ADMIN)
    await door.ask("GET", "/orders", "Jane-Roe-is-no-token")
    await door.say("hello", key="Jane Roe's key")
    door.world.rules.broken.add("Jane Roe")
    assert (await door.say("Jane Roe")).status_code == 500
    for personal in PERSONAL:
        assert personal not in log.getvalue()
    for token in (ADMIN, AGENT):
        assert token not in log.getvalue()


async def test_a_failure_is_logged_by_kind_and_place_under_the_requests_id(
    log: io.StringIO, door: Door
) -> None:
    door.world.rules.broken.add("boom")
    await door.tell(placed())
    response = await door.say("boom")
    told = [line for line in lines(log) if line["event"] == "request failed"]
    assert len(told) == 1
    assert told[0]["error"] == "RuntimeError"
    assert told[0]["request_id"] == response.json()["request_id"]
    assert any("toy.py" in frame for frame in told[0]["at"])
    assert "the rule breaks" not in log.getvalue()


def test_drivers_log_in_the_same_shape_and_lose_what_is_personal(log: io.StringIO) -> None:
    logging.getLogger("aiokafka").warning("lost %s at mongodb://user:pw@host", "jane.roe@example.com")
    told = lines(log)[0]
    assert (told["logger"], told["level"], told["service"]) == ("aiokafka", "warning", "toy")
    assert "jane" not in log.getvalue()
    assert "pw@" not in log.getvalue()


def test_the_text_of_an_exception_is_not_logged(log: io.StringIO) -> None:
    try:
        TypeAdapter(Receiver).validate_python({"name": ["Jane Roe"]})
    except ValueError as problem:
        logger().error(
            "odd", exc_info=True, why=problem, text="Jane Roe", more={"email": "x", "n": (1, "a@b.cd")}
        )
        logging.getLogger("x").exception("odd too")
    assert "Jane" not in log.getvalue()
    assert [line["error"] for line in lines(log)] == ["ValidationError", "ValidationError"]


def test_what_pydantic_repeats_is_left_out() -> None:
    text = "1 error [type=string_type, input_value={'name': 'Jane'}, input_type=dict]"
    assert "Jane" not in without_personal(text)
