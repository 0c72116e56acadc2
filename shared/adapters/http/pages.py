"""Lists, page by page. A cursor names the last file seen, so that what is added meanwhile moves nothing.

Within a file it counts all items, wanted or not: whoever works a list off changes what of it is wanted.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Request
from pydantic import Field

from shared.adapters.http.auth import Actor
from shared.adapters.http.problems import wrong_field
from shared.adapters.settings import CommonSettings
from shared.contracts.base import Frozen, Id, Strict
from shared.runtime.desk import Desk, FileView

Item = TypeVar("Item")
_CURSOR_MAX_CHARS = 1000
_ROUNDS_MAX = 10
"""Reads for one page; where few files have a matching item, a page may be short and still have a next."""


class PageQuery(Strict):
    """What every list may be asked."""

    cursor: Annotated[str, Field(max_length=_CURSOR_MAX_CHARS)] | None = None
    """The `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Items on the page."""
    shop: Id | None = None
    """Only this shop's."""


class Page(Frozen, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = None
    """The cursor of the next page; null on the last."""


async def page_of(
    desk: Desk,
    request: Request,
    actor: Actor,
    query: PageQuery,
    where: Mapping[str, Any],
    items_of: Callable[[FileView], Sequence[Item]],
    wanted: Callable[[Item], bool] = lambda _: True,
) -> Page[Item]:
    """One page of the wanted items of all files that match; a file may have several, or none after all."""
    settings: CommonSettings = request.app.state.settings
    limit = query.limit or settings.page_size
    if limit > settings.page_size_max:
        raise wrong_field("limit", f"at most {settings.page_size_max}", str(limit))
    after, skip = _read(query.cursor)
    matching = {key: value for key, value in where.items() if value is not None}
    shops = _shops(actor, query.shop)
    if shops is not None:
        matching["shop_id"] = shops
    items: list[Item] = []
    for _ in range(_ROUNDS_MAX):
        files = await desk.page(matching, after, limit)
        for file in files:
            for place, item in enumerate(items_of(file)):
                if place < skip or not wanted(item):
                    continue
                if len(items) == limit:
                    return Page(items=items, next=_cursor(after, place))
                items.append(item)
            after, skip = file.subject, 0
        if len(files) < limit:
            return Page(items=items)
        if len(items) >= limit:
            break
    return Page(items=items, next=_cursor(after, 0))


def _shops(actor: Actor, shop: str | None) -> str | list[str] | None:
    if shop is not None:
        return shop if actor.serves(shop) else []
    return None if actor.every_shop else sorted(actor.shops)


def _cursor(after: str | None, skip: int) -> str:
    return urlsafe_b64encode(json.dumps([after, skip], separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str | None) -> tuple[str | None, int]:
    if cursor is None:
        return None, 0
    try:
        told = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        # JSON can write half a surrogate pair, and no database can be asked for it.
        json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        told = None
    match told:
        case [str() | None as after, int() as skip] if 0 <= skip <= 10**9:
            return after, skip
        case _:
            raise wrong_field("cursor", "the `next` of a page before", "something else")
