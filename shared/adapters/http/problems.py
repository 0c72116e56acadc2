"""RFC 9457 problems: every answer that is not what was asked for, in one shape.

A problem's `type` ends in its slug. It names the field at fault, what was expected and what came,
but a value that may be personal is only told by its type. See `fields.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from shared.adapters.http.fields import field_errors
from shared.contracts.base import Frozen
from shared.kernel.decision import Refused
from shared.runtime.ports import Unavailable, Unreadable
from shared.runtime.work import (
    Contended,
    EventTooLarge,
    FileTooLarge,
    KeyReused,
    TooMuchPending,
    VersionMoved,
)

TYPE_PREFIX: Final = "urn:orderlink:problem:"
CONTENT_TYPE: Final = "application/problem+json"
RETRY_SOON_SECONDS: Final = 1
RETRY_OUTAGE_SECONDS: Final = 5
FIELDS_TOLD_MAX: Final = 20

TITLES: Final[dict[str, str]] = {
    "validation": "A field is not as expected",
    "time-implausible": "A time is too far from the service's clock",
    "malformed-json": "The body is not JSON",
    "malformed-request": "The request can't be read",
    "body-too-large": "The body is too large",
    "body-too-slow": "The body took too long",
    "unsupported-media-type": "The body must be JSON",
    "not-found": "There is nothing here",
    "method-not-allowed": "This address does not take that method",
    "unauthenticated": "A valid bearer token is needed",
    "signature-wrong": "The signature is not the sender's",
    "forbidden": "The token does not allow this",
    "shop-not-allowed": "The token is for other shops",
    "idempotency-key-missing": "A command needs an Idempotency-Key",
    "idempotency-key-invalid": "The Idempotency-Key can't be used",
    "key-reused": "The same id or key came with another body",
    "version-mismatch": "It has changed meanwhile",
    "too-many-requests-in-flight": "The service is busy",
    "busy": "The file is busy",
    "unavailable": "Something that the service needs is away",
    "event-too-large": "What follows from this would be too large",
    "file-too-large": "The file has no room for this",
    "file-unreadable": "A stored file is of another version",
    "internal": "Orderlink has a fault",
}


class FieldError(Frozen):
    """One field at fault."""

    field: str = Field(examples=["data.lines.0.amount"])
    expected: str = Field(examples=["a decimal number written as a string, such as '16.45'"])
    got: str = Field(examples=["16.45"])


class Problem(Frozen):
    """An RFC 9457 problem."""

    type: str = Field(examples=[TYPE_PREFIX + "validation"])
    """Ends in the slug."""
    title: str
    status: int
    detail: str
    slug: str = Field(examples=["validation"])
    errors: tuple[FieldError, ...] = ()
    """The fields at fault, the first 20 of them."""
    request_id: str | None = None
    """Names the request in the service's log."""


class ProblemRaised(Exception):
    """A problem on its way to the asker."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(slug)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self, request_id: str | None) -> JSONResponse:
        """The problem as it is sent."""
        title = TITLES.get(self.slug) or self.slug.replace("-", " ").capitalize()
        problem = Problem(
            type=TYPE_PREFIX + self.slug,
            title=title,
            status=self.status,
            detail=self.detail,
            slug=self.slug,
            errors=self.errors[:FIELDS_TOLD_MAX],
            request_id=request_id,
        )
        content = problem.model_dump(mode="json", exclude_none=True)
        if not self.errors:
            del content["errors"]
        return JSONResponse(content, status_code=self.status, headers=self.headers, media_type=CONTENT_TYPE)


def wrong_field(
    field: str, expected: str, got: str, slug: str = "validation", status: int = 422
) -> ProblemRaised:
    """A problem about one field."""
    error = FieldError(field=field, expected=expected, got=got)
    return ProblemRaised(status, slug, f"{field}: expected {expected}, got {got}", (error,))


def refused(refusal: Refused) -> ProblemRaised:
    """A rule's no to a command: 404 where the thing is not known, 409 otherwise."""
    return ProblemRaised(404 if refusal.missing else 409, refusal.slug, refusal.detail)


def come_again(detail: str) -> ProblemRaised:
    """More is asked at once than may be."""
    soon = {"Retry-After": str(RETRY_SOON_SECONDS)}
    return ProblemRaised(503, "too-many-requests-in-flight", detail, headers=soon)


def still_starting() -> ProblemRaised:
    """The start's checks are not done: what was taken now might be lost."""
    later = {"Retry-After": str(RETRY_OUTAGE_SECONDS)}
    detail = "The service is still starting; /readyz says what it waits for. Try again."
    return ProblemRaised(503, "unavailable", detail, headers=later)


def not_found(what: str) -> ProblemRaised:
    """There is no such thing, or the token may not know of it."""
    return ProblemRaised(404, "not-found", f"There is no {what} of that id here.")


def invalid(errors: Sequence[Any], where: str = "body", *, foreign: bool = False) -> ProblemRaised:
    """The problem of pydantic's or FastAPI's validation errors; of a foreign payload without its values."""
    found = [
        FieldError(field=it.field, expected=it.expected, got=it.got)
        for it in field_errors(errors, where, foreign=foreign)
    ]
    first = found[0]
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return ProblemRaised(
        422, "validation", f"{first.field}: expected {first.expected}, got {first.got}{more}", found
    )


def known(problem: BaseException) -> ProblemRaised | None:
    """The problem for an error that the runtime may raise, or None for one that is a fault of ours."""
    soon = {"Retry-After": str(RETRY_SOON_SECONDS)}
    match problem:
        case ProblemRaised():
            return problem
        case KeyReused():
            return ProblemRaised(
                422, "key-reused", "This id or Idempotency-Key was used before, with another body."
            )
        case VersionMoved():
            return ProblemRaised(
                412, "version-mismatch", "It is at another version than If-Match says; look again."
            )
        case TooMuchPending():
            return ProblemRaised(
                503, "busy", "Too many events of this file wait to be published; try again.", headers=soon
            )
        case Contended():
            return ProblemRaised(
                503, "busy", "Others change this file at the same time; try again.", headers=soon
            )
        case EventTooLarge():
            return ProblemRaised(
                413, "event-too-large", "An event that follows from this would be larger than events may be."
            )
        case FileTooLarge():
            return ProblemRaised(413, "file-too-large", f"With this, {problem}; nothing was taken.")
        case Unreadable():
            return ProblemRaised(
                503,
                "file-unreadable",
                "A file that belongs to the answer is of another version of Orderlink, as while a release is "
                "being rolled out; try again.",
                headers={"Retry-After": str(RETRY_OUTAGE_SECONDS)},
            )
        case Unavailable():
            return ProblemRaised(
                503,
                "unavailable",
                "Something that the service needs does not answer; try again.",
                headers={"Retry-After": str(RETRY_OUTAGE_SECONDS)},
            )
        case RequestValidationError():
            return invalid(problem.errors())
        case HTTPException():
            return _http(problem)
        case _:
            return None


def _http(problem: HTTPException) -> ProblemRaised:
    headers = dict(problem.headers or {})
    match problem.status_code:
        case 404:
            return ProblemRaised(404, "not-found", "There is nothing at this address.", headers=headers)
        case 405:
            allowed = headers.get("Allow", "")
            detail = (
                f"This address takes {allowed}." if allowed else "This address does not take that method."
            )
            return ProblemRaised(405, "method-not-allowed", detail, headers=headers)
        case status:
            return ProblemRaised(status, "malformed-request", "The request can't be read.", headers=headers)


def internal() -> ProblemRaised:
    """A fault of ours. What it is stands in the log, under the request's id."""
    return ProblemRaised(500, "internal", "The fault is ours; the log has it under this request's id.")


def answers_with_problems(app: FastAPI) -> None:
    """Let every error become a problem. One that is a fault of ours goes on to the log as well."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = known(error) or internal()
        state = request.scope.setdefault("state", {})
        state["slug"] = problem.slug
        return problem.response(state.get("request_id"))

    for kind in (
        Exception,
        ProblemRaised,
        KeyReused,
        VersionMoved,
        TooMuchPending,
        Contended,
        EventTooLarge,
        FileTooLarge,
        Unavailable,
        Unreadable,
        RequestValidationError,
        HTTPException,
    ):
        app.add_exception_handler(kind, answer)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for OpenAPI."""
    return {
        status: {
            "description": _MEANING[status],
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


_MEANING: Final[dict[int, str]] = {
    400: "The request can't be read: broken JSON, a missing Idempotency-Key.",
    401: "No valid bearer token.",
    403: "The token's scope or shops do not allow it.",
    404: "Not known, or of another shop.",
    409: "A rule refused the command; the type ends in the rule's slug.",
    412: "If-Match names another version.",
    413: "The body, or what follows from it, is too large.",
    415: "The body is not application/json.",
    422: "A field is not as expected, or the same id or key came with another body.",
    503: "Busy, or the database is away; see Retry-After.",
}

TELLS: Final = documented(400, 401, 403, 413, 415, 422, 503)
"""The problems of a route that takes facts."""
LOOKS: Final = documented(401, 403, 404, 422, 503)
"""The problems of a route that shows something."""
ASKS: Final = documented(400, 401, 403, 404, 409, 412, 413, 415, 422, 503)
"""The problems of a route that takes commands."""
