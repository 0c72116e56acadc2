"""Logs: one JSON object a line on standard error, with correlation ids and without personal data.

Nothing logs bodies, query strings or what a value was. As a last defence every line goes through
`_without_personal`, and an exception is written as its kind and its places in the code: the text of
an exception may repeat what somebody sent.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, Final, TextIO

import structlog

from shared.runtime.traces import trace_id

_EMAIL: Final = re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:=]+\.[A-Za-z]{2,}")
_INPUT: Final = re.compile(r"input_value=.*?(?=, input_type=|$)", re.DOTALL)
_URL_SECRET: Final = re.compile(r"(\w+://)[^/\s@]+@")
_PERSONAL_KEYS: Final = frozenset(
    {"receiver", "contact", "text", "phone", "email", "address", "body", "password", "token", "authorization"}
)
_DRIVERS: Final = (
    "uvicorn",
    "uvicorn.error",
    "faust",
    "mode",
    "aiokafka",
    "kafka",
    "pymongo",
    "httpx",
    "httpcore",
    "asyncio",
    "mail",
)
"""What others log below a warning is about every request and every heartbeat."""
_LINE_MAX_CHARS: Final = 2000
_FRAMES_MAX: Final = 12

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
Line = MutableMapping[str, Any]


def without_personal(text: str) -> str:
    """The text without e-mail addresses, passwords in addresses and repeated inputs."""
    text = _INPUT.sub("input_value=[left out]", text)
    text = _URL_SECRET.sub(r"\1[left out]@", text)
    return _EMAIL.sub("[left out]", text)[:_LINE_MAX_CHARS]


def failure(problem: BaseException) -> dict[str, Any]:
    """An exception as it may be logged: what kind it is and where in the code it came from."""
    frames = traceback.extract_tb(problem.__traceback__)[-_FRAMES_MAX:]
    told: dict[str, Any] = {
        "error": type(problem).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    cause = problem.__cause__ or problem.__context__
    if cause is not None:
        told["caused_by"] = type(cause).__name__
    return told


def _failures(_logger: Any, _method: str, line: Line) -> Line:
    told = line.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()
    problem = told[1] if isinstance(told, tuple) else told
    if isinstance(problem, BaseException):
        line.update(failure(problem))
    return line


def _without_personal(_logger: Any, _method: str, line: Line) -> Line:
    for key in list(line):
        if key in _PERSONAL_KEYS:
            line[key] = "[left out]"
        else:
            line[key] = _cleaned(line[key])
    return line


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return without_personal(value)
        case dict():
            return {
                key: "[left out]" if key in _PERSONAL_KEYS else _cleaned(item) for key, item in value.items()
            }
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case BaseException():
            return type(value).__name__
        case _:
            return value


def _with_trace(_logger: Any, _method: str, line: Line) -> Line:
    trace = trace_id()
    if trace is not None:
        line["trace_id"] = trace
    return line


def _of_logging(_logger: Any, _method: str, line: Line) -> Line:
    record = line.pop("_record", None)
    line.pop("_from_structlog", None)
    if record is not None:
        line["logger"] = record.name
    return line


_SHARED: Final[tuple[Callable[..., Any], ...]] = (
    structlog.contextvars.merge_contextvars,
    _with_trace,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def set_up_logs(service: str, role: str, level: str, stream: TextIO | None = None) -> None:
    """Send everything that anybody logs in this process, drivers included, out as JSON lines."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(_SHARED),
        processors=[
            _of_logging,
            _failures,
            _without_personal,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda value: type(value).__name__),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _DRIVERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service, role=role)


def logger(name: str = "orderlink") -> Any:
    """A logger; `log.info("what happened", key=value)`."""
    return structlog.get_logger(name)
