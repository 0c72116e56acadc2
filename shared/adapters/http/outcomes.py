"""Outcomes of tasks, checked against the task catalogue before anybody is asked."""

from typing import Any

from pydantic import ValidationError

from shared.adapters.http.problems import invalid, wrong_field
from shared.contracts.tasks import OUTCOMES, TaskKind, outcome_details


def check_outcome(kind: TaskKind, outcome: str, details: dict[str, Any]) -> None:
    """A 422 that names the field, where the kind of task does not allow the outcome or its details."""
    if outcome not in OUTCOMES[kind]:
        raise wrong_field("outcome", f"one of {', '.join(OUTCOMES[kind])}", "another")
    try:
        outcome_details(kind, outcome, details)
    except ValidationError as problem:
        errors = [{**error, "loc": ("details", *error["loc"])} for error in problem.errors()]
        raise invalid(errors) from None
