"""Commands and looks over HTTP: keys, versions, refusals as problems, and nothing of other shops."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header, Response

from shared.adapters.http.auth import Actor, Worker
from shared.adapters.http.idempotency import IdempotencyKey, digest_of, scoped
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ProblemRaised, not_found, refused
from shared.contracts.base import Id, Strict
from shared.kernel.decision import Command
from shared.runtime.desk import Answer, Desk, FileView

_ETAG: Final = re.compile(r'^"(\d{1,18})"$')


def _version(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag that you saw; when it has changed since, nothing is done (412).",
            examples=['"7"'],
        ),
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    told = _ETAG.match(if_match.strip())
    if told is None:
        raise ProblemRaised(
            412, "version-mismatch", 'If-Match: expected one ETag as it was given, such as "7".'
        )
    return int(told[1])


IfMatch = Annotated[int | None, Depends(_version)]
"""The version that must still be current, if one was named."""


async def look(desk: Desk, actor: Actor, subject: str, what: str) -> FileView:
    """A file that the actor may see; 404 otherwise."""
    return visible(await desk.look(subject), actor, what)


async def look_up(desk: Desk, actor: Actor, key: str, what: str) -> FileView:
    """The first file with this look-up key that the actor may see; 404 where there is none."""
    seen = (file for file in await desk.by_key(key) if actor.serves(file.shop_id))
    return visible(next(seen, None), actor, what)


def visible(file: FileView | None, actor: Actor, what: str) -> FileView:
    """The file, if there is one and the actor may see it."""
    if file is None or not actor.serves(file.shop_id):
        raise not_found(what)
    return file


async def ask(
    desk: Desk, actor: Actor, subject: str, command: Command, key: str, if_match: int | None = None
) -> Answer:
    """Ask for something; a rule's no becomes a problem with its slug."""
    body = command.model_dump(mode="json", exclude={"at"})
    digest = digest_of(type(command).__name__, subject, body)
    answer = await desk.ask(subject, command, scoped(key, actor.name), digest, if_match)
    if answer.refused is not None:
        raise refused(answer.refused)
    return answer


def tagged(response: Response, file: FileView) -> FileView:
    """Send the file's version along as ETag."""
    response.headers["ETag"] = f'"{file.version}"'
    return file


class ByAgent(Strict):
    """Who does it, where the token does not say it."""

    agent_id: Id | None = None
    """The agent; without it, the token's name."""


class _Asking:
    """What every command comes with: who asks, under which key, of which version."""

    def __init__(self, actor: Worker, key: IdempotencyKey, if_match: IfMatch, response: Response) -> None:
        self.actor = actor
        self.key = key
        self.if_match = if_match
        self.response = response

    def by(self, told: ByAgent) -> str:
        """Who does it."""
        return told.agent_id or self.actor.name

    async def ask(self, desk: Desk, subject: str, command: Command) -> Answer:
        """Ask for something, and send the version that the file has then."""
        answer = await ask(desk, self.actor, subject, command, self.key, self.if_match)
        if answer.file is not None:
            tagged(self.response, answer.file)
        return answer


Asking = Annotated[_Asking, Depends()]


class _OnOrder:
    """What every command on an order comes with."""

    def __init__(self, order_id: PathId, asking: Asking) -> None:
        self.order_id = order_id
        self.asking = asking

    async def ask(self, desk: Desk, command: Command) -> Answer:
        """Ask it of the order, if the actor may see it; 404 otherwise."""
        await look(desk, self.asking.actor, self.order_id, "order")
        return await self.asking.ask(desk, self.order_id, command)


OnOrder = Annotated[_OnOrder, Depends()]
