"""The runbook's commands can be given: each is of our command line, our routes, our metrics, our logs.

What they print was seen once; that they still are commands is looked at here, without running any.
"""

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from shared.adapters.http.problems import TITLES
from shared.cli.main import COMMANDS
from shared.contracts.catalog import SERVICES
from tests.deploy.test_alerts import KNOWN
from tests.http.town import Town

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (
    "docs/runbook.md",
    "docs/operations.md",
    "docs/security.md",
    "docs/capacity.md",
    "deploy/README.md",
)
APIS: Final = {8081 + number: service for number, service in enumerate(SERVICES)}
WORKERS: Final = {8091 + number: service for number, service in enumerate(SERVICES)}
OF_A_WORKER: Final = {"/healthz", "/livez", "/readyz", "/metrics", "/version"}
PLACEHOLDERS: Final = {"SERVICE": "orders", "ORDER": "A-1", "VERSION": "1.0"}


def commands(text: str) -> Iterator[str]:
    """What a page has after `$ ` in a block, and what it has in backticks of our command line."""
    yield from re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    yield from re.findall(r"`(orderlink [^`]+)`", text)


def given(program: str) -> list[tuple[str, str]]:
    """Every command of a program, with the page that has it."""
    found = ((page, each) for page in PAGES for each in commands((ROOT / page).read_text("utf-8")))
    return [(page, each) for page, each in found if each.split()[0] == program]


def not_of_ours(command: str) -> str:
    """What our command line would say against it; nothing if it takes it."""
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(command.replace("\n", " "), comments=True)][
        1:
    ]
    words = words[: words.index("|")] if "|" in words else words
    if not words or words[0] not in COMMANDS:
        return f"no command {words[:1]}"
    told: Any = typer.main.get_command(import_module(f"shared.cli.{words[0].replace('-', '_')}").app)
    name, rest = words[0], words[1:]
    while isinstance(told, TyperGroup):
        if not rest:
            return ""  # named as a whole
        if rest[0] not in told.commands:
            return f"no command {name} {rest[0]}"
        name, told, rest = f"{name} {rest[0]}", told.commands[rest[0]], rest[1:]
    try:
        told.make_context(name, list(rest))
    except TyperException as problem:
        # Prose names a command without what it wants; what it does not know is wrong everywhere.
        is_named_only = type(problem).__name__ == "MissingParameter"
        return "" if is_named_only else str(cast("Any", problem).format_message())
    return ""


def routes(port: int) -> tuple[set[str], dict[str, set[str]]]:
    """The paths that are served there, and the names that each may ask for."""
    if port in WORKERS:
        return OF_A_WORKER, {}
    spec = HOUSES[APIS[port]].api.openapi()["paths"]
    asked = {
        path: {each["name"] for each in verbs.get("get", {}).get("parameters", ()) if each["in"] == "query"}
        for path, verbs in spec.items()
    }
    return {*spec, *OF_A_WORKER}, asked


HOUSES: Final = Town().houses


def not_of_the_routes(command: str) -> str:
    """What is wrong with the address that a `curl` asks; nothing if it is served."""
    address = re.search(r"localhost:(\d+)(/[^\s'?]*)(?:\?([^\s']*))?", command)
    if address is None:
        return "no address"
    port, path = int(address[1]), address[2]
    served, asked = routes(port)
    for pattern in served:
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", pattern), path):
            names = {pair.partition("=")[0] for pair in (address[3] or "").split("&") if pair}
            unknown = names - asked.get(pattern, set())
            return f"{path} is not asked by {', '.join(sorted(unknown))}" if unknown else ""
    return f"{path} is not served on {port}"


def not_of_the_metrics(pattern: str) -> list[str]:
    """The names in a `grep -E` over metrics that no metric begins with."""
    opened = re.fullmatch(r"\^(\w*)(?:\((.*)\))?(\w*)", pattern.replace('.*"5|', "|").replace(".*poison", ""))
    if opened is None:
        return [pattern]
    begins = [f"{opened[1]}{each}{opened[3]}" for each in (opened[2] or "").split("|")]
    return [begin for begin in begins if not any(name.startswith(begin) for name in KNOWN)]


@pytest.mark.parametrize(("page", "command"), given("orderlink"))
def test_a_command_of_ours_is_one(page: str, command: str) -> None:
    assert not_of_ours(command) == "", page


@pytest.mark.parametrize(("page", "command"), [each for each in given("curl") if "localhost" in each[1]])
def test_an_address_that_is_asked_is_served(page: str, command: str) -> None:
    assert not_of_the_routes(command) == "", page


@pytest.mark.parametrize(
    ("page", "pattern"),
    [(page, found) for page, each in given("curl") for found in re.findall(r"grep -E '(\^[^']+)'", each)],
)
def test_a_metric_that_is_looked_for_is_one(page: str, pattern: str) -> None:
    assert not_of_the_metrics(pattern) == [], page


def test_what_to_do_about_server_errors_names_problems_that_there_are() -> None:
    section = (ROOT / "docs/runbook.md").read_text("utf-8").split("### OrderlinkServerErrors")[1]
    named = re.findall(r"`([a-z-]+)`:", section.split("### ")[0])
    assert named
    assert [slug for slug in named if slug not in TITLES] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("orderlink topics lags", "no command topics lags"),
        ("orderlink dead-letters discard orders --because EOF", "No such option: --because"),
        ("orderlink undo", "no command"),
    ],
)
def test_a_command_that_is_none_is_seen(wrong: str, said: str) -> None:
    assert said in not_of_ours(wrong)


def test_an_address_or_a_metric_that_is_none_is_seen() -> None:
    assert not_of_the_routes("curl -s localhost:8081/timeline") == "/timeline is not served on 8081"
    assert not_of_the_routes("curl -s 'localhost:8084/tasks?state=open'") == "/tasks is not asked by state"
    assert not_of_the_routes("curl -s localhost:8091/orders/A-1") == "/orders/A-1 is not served on 8091"
    assert not_of_the_metrics("^orderlink_(lag_records|lags)") == ["orderlink_lags"]
