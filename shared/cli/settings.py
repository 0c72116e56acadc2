"""`orderlink settings`: every setting with its unit, default and meaning, also as docs/settings.md."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, cast, get_args, get_origin

import annotated_types
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.table import Table

from shared.adapters.settings import CommonSettings, variable
from shared.contracts.catalog import SERVICES

PAGE: Final = Path("docs/settings.md")
_TOP: Final = """\
# Settings

Everything that Orderlink is told, it is told by environment variables. This page is made by
`orderlink settings --markdown` and a test keeps it current.

A wrong value ends a process before it starts, with exit code 2 and a text that names the variable,
what was expected and what came. Every size and time has its unit in the name.
"""
_HEAD: Final = "| variable | is | default | means |\n| --- | --- | --- | --- |\n"

app = typer.Typer(add_completion=False)


class Setting(NamedTuple):
    """One row of the table."""

    variable: str
    kind: str
    default: str
    meaning: str


@app.command()
def settings(
    markdown: bool = typer.Option(False, help="Print the page docs/settings.md."),
    service: str = typer.Option("", help="Only the settings that one service has beside the common ones."),
) -> None:
    """Every setting with its unit, default and meaning."""
    if service and service not in SERVICES:
        raise typer.BadParameter(f"expected one of {', '.join(SERVICES)}, got {service!r}")
    if markdown:
        sys.stdout.write(page())
        return
    for title, rows in sections():
        if service and not title.startswith(service):
            continue
        table = Table("variable", "is", "default", "means", title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        Console().print(table)


def page() -> str:
    """The page docs/settings.md."""
    parts = [_TOP]
    for title, rows in sections():
        parts.append(f"\n## {title[:1].upper()}{title[1:]}\n\n{_HEAD}")
        parts.extend(
            f"| `{row.variable}` | {_cell(row.kind)} | {_cell(row.default)} | {_cell(row.meaning)} |\n"
            for row in rows
        )
    return "".join(parts)


def sections() -> Iterator[tuple[str, list[Setting]]]:
    """What all services have, what each has beside, and the sandbox's."""
    yield "all services", list(_rows(CommonSettings, set(CommonSettings.model_fields)))
    for service in SERVICES:
        own: type[CommonSettings] = import_module(f"services.{service}.settings").Settings
        changed = {
            name
            for name, field in own.model_fields.items()
            if name not in CommonSettings.model_fields
            or field.default != CommonSettings.model_fields[name].default
        }
        yield service, list(_rows(own, changed))
    sandbox: type[BaseModel] = import_module("shared.adapters.sandbox").SandboxSettings
    prefix = str(sandbox.model_config.get("env_prefix", ""))
    rows = [
        Setting(prefix + name.upper(), kind_of(field), default_of(field), meanings(sandbox).get(name, ""))
        for name, field in sandbox.model_fields.items()
    ]
    yield "sandbox of the embedded stack", rows


def _rows(settings: type[CommonSettings], names: set[str]) -> Iterator[Setting]:
    told = meanings(settings)
    for name, field in settings.model_fields.items():
        if name in names:
            yield Setting(variable(settings, name), kind_of(field), default_of(field), told.get(name, ""))


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field, its own class's before its bases'."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls.__module__.partition(".")[0] not in ("shared", "services"):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for field, below in pairwise(statements):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                    value=ast.Constant(value=str() as text)
                ):
                    found[name] = " ".join(text.split())
                case _:
                    pass
    return found


def kind_of(field: FieldInfo) -> str:
    """What a value is, and its bounds, in words."""
    words = _words(field.annotation)
    lower = next(
        (it for it in field.metadata if isinstance(it, annotated_types.Ge | annotated_types.Gt)), None
    )
    upper = next(
        (it for it in field.metadata if isinstance(it, annotated_types.Le | annotated_types.Lt)), None
    )
    match lower, upper:
        case annotated_types.Ge(ge=least), annotated_types.Le(le=most):
            return f"{words}, {least} to {most}"
        case annotated_types.Gt(gt=least), annotated_types.Le(le=most):
            return f"{words}, above {least}, at most {most}"
        case annotated_types.Ge(ge=least), None:
            return f"{words}, at least {least}"
        case annotated_types.Gt(gt=least), None:
            return f"{words}, above {least}"
        case _:
            return words


def default_of(field: FieldInfo) -> str:
    """The value that holds where nothing is said."""
    default: Any = field.default
    if isinstance(default, tuple):
        return f"`{','.join(str(one) for one in cast('tuple[object, ...]', default))}`"
    match default:
        case None:
            return "–"
        case SecretStr() as secret:
            return f"`{secret.get_secret_value()}`"
        case "":
            return "empty"
        case Enum() as one:
            return f"`{one.value}`"
        case value:
            return f"`{value}`"


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _words(next(one for one in arguments if one is not type(None)))
    if origin is Annotated:
        return _words(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin is tuple:
        return f"{_words(arguments[0])}; several separated by commas"
    match annotation:
        case _ if annotation is int:
            return "whole number"
        case _ if annotation is float:
            return "number"
        case _ if annotation is bool:
            return "`true` or `false`"
        case _ if annotation is SecretStr:
            return "text, secret"
        case _ if annotation is Path:
            return "path"
        case _:
            return "text"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
