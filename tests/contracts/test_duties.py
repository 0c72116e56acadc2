"""The page of duties: it names every duty of orders and logistics, and only things that there are."""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, get_args
from unittest.mock import Mock

import pytest
import typer
from fastapi import FastAPI

from shared.adapters.profile_files import load_profiles
from shared.cli.loading import load_services
from shared.cli.main import COMMANDS
from shared.contracts.event import payloads
from shared.contracts.facts import TAKEN_BY
from shared.contracts.tasks import TaskKind

PAGE: Final = Path(__file__).parents[2] / "docs" / "duties.md"
ORDERS: Final = ("O1", "O1b", "O1c", "O1d", "O2", "O3", "O4", "O5", "O5b", "O5c", "O6", "O7", "O7b", "O7c")
ORDERS_TOO: Final = tuple(f"O{number}" for number in range(8, 22))
LOGISTICS: Final = tuple(f"L{number}" for number in range(1, 16))
REFERENCE: Final = re.compile(r"`([a-z]+):([^`]+)`")
ROW: Final = re.compile(r"^\| ([OL]\d+[a-d]?) \|(.*)\|$", re.MULTILINE)
TEMPLATES: Final = Path(__file__).parents[2] / "services" / "notifications" / "templates"


def rule(name: str) -> bool:
    """`orders.decide.paying.remind`: something of that name in that module of services, or of shared."""
    module, _, wanted = name.rpartition(".")
    for root in ("services", "shared"):
        try:
            return hasattr(import_module(f"{root}.{module}"), wanted)
        except ModuleNotFoundError:
            continue
    return False


def event(name: str) -> bool:
    """An event's name, without its version."""
    return any(name == known for known, _ in payloads())


def task(name: str) -> bool:
    """A kind of task."""
    return name in get_args(TaskKind)


def fact(name: str) -> bool:
    """A fact that some service takes."""
    return name in TAKEN_BY


def message(name: str) -> bool:
    """A template of a message."""
    return (TEMPLATES / f"{name}.yaml").is_file()


def profile(name: str) -> bool:
    """A value of the default profile, by its path."""
    found: Any = load_profiles().of(None).model_dump()
    for part in name.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True


def inlet(name: str) -> bool:
    """An outside system that some service has an inlet for."""
    return any(name == each.system for service in load_services() for each in service.inlets)


def api(name: str) -> bool:
    """`POST /facts`: a method and a path of some service."""
    method, _, path = name.partition(" ")
    return (method, path) in _routes()


@cache
def _routes() -> frozenset[tuple[str, str]]:
    """Method and path of every route of every service."""
    found: set[tuple[str, str]] = set()
    for service in load_services():
        if service.routes is not None:
            served = FastAPI()
            served.include_router(service.routes(Mock()))
            found |= {
                (method.upper(), path) for path, of in served.openapi()["paths"].items() for method in of
            }
    return frozenset(found)


def cli(name: str) -> bool:
    """A command of `orderlink`."""
    first, _, rest = name.partition(" ")
    if first not in COMMANDS:
        return False
    program: typer.Typer = import_module(f"shared.cli.{first.replace('-', '_')}").app
    named = [each.name or getattr(each.callback, "__name__", "") for each in program.registered_commands]
    return not rest or rest in [each.replace("_", "-") for each in named]


KINDS: Final[dict[str, Callable[[str], bool]]] = {
    check.__name__: check for check in (rule, event, task, fact, message, profile, inlet, api, cli)
}


def rows() -> list[tuple[str, str]]:
    """Each row's duty and the rest of it."""
    return ROW.findall(PAGE.read_text("utf-8"))


def test_every_duty_of_orders_and_logistics_is_on_the_page_once() -> None:
    assert [duty for duty, _ in rows()] == [*ORDERS, *ORDERS_TOO, *LOGISTICS]


@pytest.mark.parametrize(("duty", "row"), rows(), ids=[duty for duty, _ in rows()])
def test_a_duty_is_done_by_things_that_there_are(duty: str, row: str) -> None:
    references = REFERENCE.findall(row)
    assert references, f"{duty} names nothing that does it"
    missing = [f"{kind}:{name}" for kind, name in references if not KINDS[kind](name)]
    assert not missing, f"{duty} names what is not there: {', '.join(missing)}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_seen(kind: str) -> None:
    assert not KINDS[kind]("POST /nowhere" if kind == "api" else "orders.nothing.at_all")
