"""Promises and the tests that show them, read from the tree: which marks stand where, and what is amiss."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.shape import read_module
from tests.promises import README, Promise

PAGES = ("README.md", "ARCHITECTURE.md")
"""Where the same promises stand as a table, each with how it is shown or why it holds."""


def problems(root: Path, promises: Iterable[Promise], proving_folders: Iterable[str]) -> list[str]:
    """Everything in which the tests of a tree and a list of promises differ, one line each."""
    listed = {(promise.id, test) for promise in promises for test in promise.shown_by}
    marked = {(promise, test) for path in _modules(root / "tests") for promise, test in _marks(root, path)}
    found = [f"{test} is to show '{promise}' and has no such mark" for promise, test in listed - marked]
    found += [f"{test} is marked with '{promise}', which lists it not" for promise, test in marked - listed]
    found += [f"'{promise.id}' is shown by no test" for promise in promises if not promise.shown_by]
    for folder in proving_folders:
        for path in _modules(root / folder):
            found += [f"{test} names no promise" for test in _without_mark(root, path)]
    return sorted(found) + [each for page in PAGES for each in _page_problems(root, page, promises)]


def _page_problems(root: Path, page: str, promises: Iterable[Promise]) -> list[str]:
    text = (root / page).read_text("utf-8")
    table = text.partition("## What is promised")[2].partition("\n## ")[0]
    told = re.findall(r"^\| (?!promise|---)(.*?) \|", table, re.MULTILINE)
    meant = [promise.sentence for promise in promises if promise.source == README]
    if told == meant:
        return []
    return [
        f"{page} promises {sorted(set(told) ^ set(meant)) or 'in another order'}, the list does not agree"
    ]


def _modules(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("test_*.py")) if "planted" not in path.parts)


def _marks(root: Path, path: Path) -> Iterator[tuple[str, str]]:
    module = path.relative_to(root).as_posix()
    tree = read_module(path)
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and _names(statement.targets) == ["pytestmark"]:
            yield from ((promise, module) for promise in _promised(statement.value))
    for test in _tests(tree):
        for decorator in test.decorator_list:
            yield from ((promise, f"{module}::{test.name}") for promise in _promised(decorator))


def _without_mark(root: Path, path: Path) -> list[str]:
    marked = {test for _, test in _marks(root, path)}
    module = path.relative_to(root).as_posix()
    if module in marked:
        return []
    tests = [f"{module}::{test.name}" for test in _tests(read_module(path))]
    return [test for test in tests if test not in marked]


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def _names(targets: Iterable[ast.expr]) -> list[str]:
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _promised(value: ast.expr) -> Iterator[str]:
    """The ids in every `pytest.mark.promise("…", …)` within an expression."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
            yield from (ast.literal_eval(each) for each in node.args)
