"""Disputes: negotiation first, then the platform, then evidence within its time."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.aftersales.commands import Negotiate, OpenDispute, SettleDispute, SubmitEvidence
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after

REFUSED_AT = after(hours=61)


def refused(kind: str = "refund_only") -> CasePlay:
    """A request that an agent refused at hour 61."""
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=60), kind)
    return play.agent(REFUSED_AT, "decide_case", "refuse", reason="worn")


def disputed(kind: str = "refund_only") -> CasePlay:
    """The same, negotiated and brought to the platform at hour 70."""
    play = refused(kind).do(Negotiate(at=after(hours=65), case_id="c-1", note="Half of it? No."))
    return play.do(OpenDispute(at=after(hours=70), case_id="c-1"))


def test_nobody_goes_to_the_platform_before_talking() -> None:
    play = refused().do(OpenDispute(at=after(hours=70), case_id="c-1"))

    assert play.refused.slug == "negotiate-first"


@pytest.mark.parametrize(("late", "slug"), [(0, None), (1, "dispute-window-closed")])
def test_the_platform_can_be_brought_in_for_seven_days(late: int, slug: str | None) -> None:
    play = refused().do(Negotiate(at=after(hours=65), case_id="c-1", note="No."))
    play.do(OpenDispute(at=REFUSED_AT + timedelta(days=7, seconds=late), case_id="c-1"))

    assert play.stage() == ("disputed" if slug is None else "refused")
    if slug:
        assert play.refused.slug == slug


def test_what_was_said_while_negotiating_is_on_no_topic() -> None:
    play = disputed()

    assert "Half" not in "".join(said.model_dump_json() for said in play.said)
    assert play.of("case.negotiated")


def test_evidence_has_its_time_and_a_task() -> None:
    play = disputed()

    assert play.of("case.disputed")[0].deadline_at == after(hours=142)
    assert play.of("task.wanted")[-1].due_at == after(hours=142)
    assert play.of("task.wanted")[-1].details["evidence_due_at"] == "2026-03-08T10:00:00Z"
    play.run_until(after(hours=142))
    assert play.stage() == "judging"
    assert play.of("case.evidence_missed")
    assert play.of("task.withdrawn")[-1].reason == "evidence_over"


def test_evidence_in_time_ends_the_clock() -> None:
    play = disputed().do(SubmitEvidence(at=after(hours=80), case_id="c-1", refs=("chat-1", "photo-2")))

    assert play.stage() == "judging"
    assert not play.timers
    play.do(SubmitEvidence(at=after(hours=81), case_id="c-1", refs=("chat-2",)))
    assert play.refused.slug == "no-evidence-awaited"


@pytest.mark.parametrize("kind", ["refund_only", "reship"])
def test_a_buyer_who_wins_gets_his_money(kind: str) -> None:
    play = disputed(kind).do(SettleDispute(at=after(hours=99), case_id="c-1", winner="buyer"))

    refunded = play.of("case.refunded")[0]
    assert (refunded.amount, refunded.by_rule) == (Decimal("30.00"), "disputes")


def test_a_shop_that_wins_closes_the_case() -> None:
    play = disputed().do(SettleDispute(at=after(hours=99), case_id="c-1", winner="shop"))

    assert play.of("case.closed")[0].reason == "dispute_won_by_shop"
    assert play.effects == []


def test_a_dispute_does_not_pay_a_line_twice_and_is_over_all_the_same() -> None:
    play = disputed().asks(after(hours=75), case="c-2")
    play.agent(after(hours=76), "decide_case", "approve")
    paid = len(play.effects)
    play.do(SettleDispute(at=after(hours=99), case_id="c-1", winner="buyer"))

    assert len(play.effects) == paid
    assert play.of("case.dispute_settled")[0].winner == "buyer"
    assert (play.stage(), play.of("case.closed")[-1].reason) == ("closed", "already_compensated")
    assert not play.view.open


@pytest.mark.parametrize(
    "command",
    [
        Negotiate(at=after(hours=1), case_id="c-9", note="hello"),
        OpenDispute(at=after(hours=1), case_id="c-9"),
        SubmitEvidence(at=after(hours=1), case_id="c-9", refs=("r",)),
        SettleDispute(at=after(hours=1), case_id="c-9", winner="shop"),
    ],
)
def test_an_unknown_case_is_refused_as_missing(command: object) -> None:
    play = refused().do(command)

    assert (play.refused.slug, play.refused.missing) == ("case-unknown", True)


@pytest.mark.parametrize(
    ("command", "slug"),
    [
        (Negotiate(at=after(hours=71), case_id="c-1", note="again"), "nothing-refused"),
        (OpenDispute(at=after(hours=71), case_id="c-1"), "nothing-refused"),
    ],
)
def test_a_dispute_is_opened_once(command: object, slug: str) -> None:
    assert disputed().do(command).refused.slug == slug


def test_only_an_open_dispute_is_settled() -> None:
    play = refused().do(SettleDispute(at=after(hours=99), case_id="c-1", winner="buyer"))

    assert play.refused.slug == "no-dispute-open"
