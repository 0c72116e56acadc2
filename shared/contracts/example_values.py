"""Values for fields that no example names: by their type, so that a new event has an example at once."""

from datetime import datetime
from decimal import Decimal
from typing import get_args, get_origin

from pydantic.fields import FieldInfo

from shared.contracts.base import Frozen


def value_by_type(name: str, field: FieldInfo, moment: str) -> object:
    """A value that fits the field; `moment` where it is one."""
    return _plain_value(name, field.annotation, moment)


def _plain_value(name: str, annotation: object, moment: str) -> object:
    if annotation is bool:
        return False
    if annotation is int:
        return 1
    if annotation is str:
        return name
    if annotation is datetime:
        return moment
    if annotation is Decimal:
        return "1.00"
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return {
            inner: value_by_type(inner, field, moment)
            for inner, field in annotation.model_fields.items()
            if field.is_required()
        }
    arguments = get_args(annotation)
    if not arguments:
        return moment if name.endswith(("_at", "_until", "_since")) else name
    if get_origin(annotation) is dict:
        return {}
    if get_origin(annotation) in {tuple, list}:
        return [_plain_value(name, arguments[0], moment)]
    first = arguments[0]
    return _plain_value(name, first, moment) if get_args(first) or isinstance(first, type) else first
