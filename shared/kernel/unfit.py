"""What becomes of a well-formed fact that does not fit: recorded, counted, looked into once."""

from collections.abc import Set

from shared.contracts.events.common import FactOutOfStage, TaskWanted
from shared.kernel.decision import Decision, Refused, task_id


def out_of_stage(
    service: str,
    subject: str,
    fact: str,
    fact_id: str,
    refused: Refused,
    looked_into: Set[str],
) -> Decision:
    """Say that the fact did not fit, and want one `look_into` for each order and kind of fact.

    `looked_into` has the kinds of fact for which the file has wanted a task already. A refusal
    that brings a task of its own (a late payment) replaces `look_into` by it.
    """
    said = FactOutOfStage(fact=fact, fact_id=fact_id, slug=refused.slug, detail=refused.detail)
    if refused.task is not None:
        return Decision(rule="out_of_stage", events=(said,), tasks=(refused.task,))
    if fact in looked_into:
        return Decision(rule="out_of_stage", events=(said,))
    task = TaskWanted(
        task_id=task_id(service, subject, "look_into", fact),
        kind="look_into",
        order_id=subject,
        summary=f"A fact {fact} came that does not fit: {refused.detail}",
        details={"fact": fact, "fact_id": fact_id, "slug": refused.slug},
    )
    return Decision(rule="out_of_stage", events=(said,), tasks=(task,))
