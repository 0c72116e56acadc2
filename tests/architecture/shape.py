"""The shape of the project as checks over a tree: each returns what is wrong, one line a finding."""

import ast
import gc
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SERVICES: Final = ("orders", "logistics", "aftersales", "notifications")
CODE: Final = ("shared", "services", "tests")

FILE_MAX_LINES: Final = 400
FUNCTION_MAX_LINES: Final = 70

AT_THE_ROOT: Final = frozenset(
    {
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
        "pyproject.toml",
        "Makefile",
        "requirements",
        "docs",
        "services",
        "shared",
        "deploy",
        "tests",
        ".ci",
        ".dockerignore",
        ".editorconfig",
        ".gitattributes",
        ".gitignore",
        ".importlinter",
        ".python-version",
    }
)
MAY_LIE_AT_THE_ROOT: Final = frozenset(
    {
        ".git",
        ".venv",
        ".orderlink",
        ".env",
        ".idea",
        ".vscode",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".import_linter_cache",
        "build",
        "dist",
        "orderlink.egg-info",
    }
)
"""What tools leave behind; ignored by git."""

SERVICE_PARTS: Final = frozenset(
    {
        "__init__",
        "__main__",
        "api",
        "app",
        "commands",
        "decide",
        "react",
        "settings",
        "state",
        "views",
    }
)
SERVICE_MAY_HAVE: Final = frozenset({"inlets", "tools", "templates", "console"})

BANNED_WORDS: Final = frozenset(
    {
        "manager",
        "managers",
        "helper",
        "helpers",
        "util",
        "utils",
        "handler",
        "handlers",
        "processor",
        "processors",
        "misc",
    }
)
BANNED_WHOLE: Final = frozenset({"data"})

CLOCK: Final = Path("shared/adapters/clock.py")
CLOCK_READS: Final = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
    }
)
CONTRACTS_MAY_IMPORT: Final = frozenset({"pydantic", "pydantic_core", "shared"})
OUTSIDE: Final = "../" + "shared"
TEXT: Final = frozenset(
    {
        "",
        ".css",
        ".html",
        ".js",
        ".json",
        ".md",
        ".py",
        ".sh",
        ".toml",
        ".txt",
        ".yaml",
        ".yml",
    }
)


def _python(root: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if "__pycache__" not in path.parts:
                yield path


def read_module(path: Path) -> ast.Module:
    """The syntax of a file.

    Without the collector: what it ends may run Python in the middle, of which the parser of 3.11 loses count
    now and then (`AST constructor recursion depth mismatch`, gh-106905).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(path.read_text("utf-8"))
    finally:
        if was_on:
            gc.enable()


def _parsed(root: Path, *folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in _python(root, *folders):
        yield path.relative_to(root), read_module(path)


def root_entries(root: Path) -> list[str]:
    """The root has what DESIGN names, all of it that is a file of prose or a folder, and nothing else."""
    present = {entry.name for entry in root.iterdir()} - MAY_LIE_AT_THE_ROOT - {"__pycache__"}
    missing = {name for name in AT_THE_ROOT if not name.startswith(".")} - present
    strays = present - AT_THE_ROOT
    return [f"{name}: not one of the root's entries" for name in sorted(strays)] + [
        f"{name}: missing" for name in sorted(missing)
    ]


def service_files(root: Path) -> list[str]:
    """Every service has the same files, each a module or a package of that name."""
    found: list[str] = []
    services = root / "services"
    folders = {entry.name for entry in services.iterdir() if entry.is_dir()} - {"__pycache__"}
    found += [f"services/{name}: not a service" for name in sorted(folders - set(SERVICES))]
    for service in SERVICES:
        folder = services / service
        if not folder.is_dir():
            found.append(f"services/{service}: missing")
            continue
        parts = {
            entry.stem if entry.suffix == ".py" else entry.name
            for entry in folder.iterdir()
            if entry.name != "__pycache__"
        }
        found += [f"services/{service}/{part}: missing" for part in sorted(SERVICE_PARTS - parts)]
        strays = parts - SERVICE_PARTS - SERVICE_MAY_HAVE
        found += [f"services/{service}/{part}: not a part of a service" for part in sorted(strays)]
    return found


def service_cards(root: Path) -> list[str]:
    """A service's `__init__.py` is its card: a docstring that says what it owns, hears, says, promises."""
    found: list[str] = []
    for service in SERVICES:
        path = root / "services" / service / "__init__.py"
        if not path.exists():
            continue
        module = read_module(path)
        card = (ast.get_docstring(module) or "").lower()
        absent = [word for word in ("owns", "hears", "says", "promises") if word not in card]
        if absent:
            found.append(f"{path.relative_to(root)}: the card does not say {', '.join(absent)}")
        if len(module.body) > 1:
            found.append(f"{path.relative_to(root)}: holds more than the card")
    return found


def entry_points(root: Path) -> list[str]:
    """Each service is registered by its name in pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    registered = project["entry-points"]["orderlink.services"]
    wanted = {service: f"services.{service}.app:SERVICE" for service in SERVICES}
    return [] if registered == wanted else [f"pyproject.toml: orderlink.services is {registered}"]


def file_lengths(root: Path) -> list[str]:
    """No file is longer than 400 lines."""
    found: list[str] = []
    for path in _python(root, *CODE):
        lines = len(path.read_text("utf-8").splitlines())
        if lines > FILE_MAX_LINES:
            found.append(f"{path.relative_to(root)}: {lines} lines, at most {FILE_MAX_LINES}")
    return found


def function_lengths(root: Path) -> list[str]:
    """No function is longer than 70 lines."""
    found: list[str] = []
    for path, module in _parsed(root, *CODE):
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_MAX_LINES:
                    found.append(f"{path}:{node.lineno}: {node.name} has {lines} lines")
    return found


def module_docstrings(root: Path) -> list[str]:
    """Every module says in its first line what it is."""
    return [
        f"{path}: no module docstring"
        for path, module in _parsed(root, *CODE)
        if not ast.get_docstring(module)
    ]


def _words(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return {word for word in spaced.lower().split("_") if word}


def _says_nothing(name: str) -> bool:
    return bool(_words(name) & BANNED_WORDS) or name.lower() in BANNED_WHOLE


def names(root: Path) -> list[str]:
    """No file, class or function has a name that says nothing."""
    found: list[str] = []
    for path, module in _parsed(root, *CODE):
        found += [f"{path}: the name says nothing" for part in path.parts if _says_nothing(Path(part).stem)]
        found += [
            f"{path}:{node.lineno}: the name {node.name} says nothing"
            for node in ast.walk(module)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and _says_nothing(node.name)
        ]
    return found


def own_place(root: Path) -> list[str]:
    """Nothing but a test names a folder beside the project."""
    found: list[str] = []
    for name in sorted(AT_THE_ROOT - {"tests"}):
        top = root / name
        paths = sorted(top.rglob("*")) if top.is_dir() else [top]
        found += [
            f"{path.relative_to(root)}: names a folder outside the project"
            for path in paths
            if path.is_file()
            and path.suffix in TEXT
            and "__pycache__" not in path.parts
            and OUTSIDE in path.read_text("utf-8")
        ]
    return found


def _imports(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module.partition(".")[0]


def contract_imports(root: Path) -> list[str]:
    """Contracts import pydantic and the standard library only, so that anybody can read them."""
    return [
        f"{path}:{line}: imports {name}"
        for path, module in _parsed(root, "shared/contracts")
        for line, name in _imports(module)
        if name not in CONTRACTS_MAY_IMPORT and name not in sys.stdlib_module_names
    ]


def clock_reads(root: Path) -> list[str]:
    """Only the clock adapter reads the wall clock."""
    found: list[str] = []
    for path, module in _parsed(root, "shared", "services"):
        if path == CLOCK:
            continue
        for node in ast.walk(module):
            if not isinstance(node, ast.Attribute):
                continue
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if f"{last}.{node.attr}" in CLOCK_READS:
                found.append(f"{path}:{node.lineno}: reads the clock by {last}.{node.attr}")
    return found


CHECKS: Final = (
    root_entries,
    service_files,
    service_cards,
    entry_points,
    file_lengths,
    function_lengths,
    module_docstrings,
    names,
    own_place,
    contract_imports,
    clock_reads,
)
