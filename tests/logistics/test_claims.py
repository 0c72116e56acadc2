"""A lost parcel: the loss, the buyer, the carrier, in this order, and the money on both sides."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.logistics import commands as ask
from services.logistics.app import SERVICE
from services.logistics.state import Lost
from shared.contracts.events import aftersales, notifications
from shared.kernel.carriage import ClaimTerms, claim_terms
from shared.kernel.profiles import Profile
from tests.kit.rules import START, Play, after, default_profile
from tests.logistics.story import complete, parcel_of, shipping, wanted, withdrawn

TERMS = ClaimTerms.model_validate(
    {
        "carrier": "DHL",
        "evidence": ["proof_of_value", "carrier_trace"],
        "submit_within": "P30D",
        "answer_within": "P20D",
        "appeal_within": "P10D",
        "pay_within": "P14D",
    }
)


def agreed() -> Profile:
    return default_profile(claims=(TERMS,))


def refunded(amount: str = "19.80") -> aftersales.CaseRefunded:
    return aftersales.CaseRefunded(
        case_id="lost-a",
        kind="lost_parcel",
        refund_id="r-1",
        lines=("1", "2"),
        amount=Decimal(amount),
        currency="EUR",
        decided_by="buyer",
        by_rule="lost_parcel",
        parcel_id="P-1",
    )


def lost(profile: Profile | None = None) -> Play:
    return complete(shipping(profile=profile), "confirm_loss", "lost", after(hours=250))


def served(profile: Profile | None = None) -> Play:
    return lost(profile).hear(refunded(), after(hours=251))


def closed(reason: str, got: str | None) -> aftersales.CaseClosed:
    return aftersales.CaseClosed(
        case_id="lost-a",
        kind="lost_parcel",
        reason=reason,
        parcel_id="P-1",
        lines=("1", "2"),
        served_with=None if got is None else Decimal(got),
        currency="EUR",
    )


@pytest.mark.parametrize(("reason", "remedy"), [("paid_by_another_way", "refund"), ("gift_accepted", None)])
def test_a_buyer_who_was_served_in_another_way_opens_the_claim_too(reason: str, remedy: str | None) -> None:
    play = lost().hear(closed(reason, "12.00"), after(hours=251))
    (opened,) = play.of("carrier_claim.opened")
    assert (opened.remedy, opened.served_with, opened.currency) == (remedy, Decimal("12.00"), "EUR")


def test_a_buyer_who_was_compensated_before_the_loss_opens_the_claim_too() -> None:
    before = aftersales.CaseRefused(
        case_id="lost-a",
        kind="lost_parcel",
        decided_by="automatic",
        slug="already-compensated",
        parcel_id="P-1",
        lines=("1", "2"),
    )
    assert lost().hear(before, after(hours=251)).of("carrier_claim.opened")
    no = before.model_copy(update={"slug": "refused-by-shop"})
    assert not lost().hear(no, after(hours=251)).of("carrier_claim.opened")


def test_a_buyer_who_got_nothing_opens_no_claim() -> None:
    assert not lost().hear(closed("refund_given_up", None), after(hours=251)).of("carrier_claim.opened")


def test_what_is_short_can_be_written_however_much_it_is() -> None:
    play = lost().hear(refunded("999999999999999"), after(hours=251))
    play.do(ask.SubmitClaim(at=after(hours=252), parcel_id="P-1", amount=Decimal(1)))
    play.do(ask.ApproveClaim(at=after(hours=253), parcel_id="P-1", amount=Decimal(1)))
    play.do(ask.SettleClaim(at=after(hours=254), parcel_id="P-1", amount=Decimal("0.0001")))
    assert play.of("carrier_claim.reconciled")[0].shortfall == Decimal("999999999999998")


def step(play: Play, command: Callable[..., Any], hours: float, /, **more: Any) -> Play:
    return play.do(command(at=after(hours=hours), parcel_id="P-1", **more))


def evidence(play: Play, kind: str, hours: float) -> Play:
    return step(play, ask.AddClaimEvidence, hours, kind=kind, ref=f"doc-{kind}")


def submitted(profile: Profile | None = None) -> Play:
    play = served(profile)
    if profile is not None:
        evidence(evidence(play, "proof_of_value", 252), "carrier_trace", 253)
    return step(play, ask.SubmitClaim, 254, amount=Decimal("19.80"))


def claim_stage(play: Play) -> str:
    parcel = parcel_of(play)
    assert isinstance(parcel, Lost)
    assert parcel.open_claim is not None
    shown = play.view.parcels[0].claim
    assert shown is not None
    assert shown.stage == parcel.open_claim.stage
    assert shown.deadline_at == parcel.open_claim.deadline_at
    assert shown.missing == parcel.open_claim.missing
    return parcel.open_claim.stage


def test_a_claim_that_is_paid_is_reconciled_with_what_the_buyer_got() -> None:
    play = submitted()
    step(play, ask.ApproveClaim, 300, amount=Decimal("15.00"))
    step(play, ask.SettleClaim, 320, amount=Decimal("15.00"))
    (both,) = play.of("carrier_claim.reconciled")
    assert (both.served_with, both.paid_by_carrier) == (Decimal("19.80"), Decimal("15.00"))
    assert (both.shortfall, both.surplus) == (Decimal("4.80"), Decimal("0"))
    assert claim_stage(play) == "reconciled"
    assert play.view.parcels[0].claim.shortfall == Decimal("4.80")


def test_goods_that_were_sent_again_count_with_what_they_cost() -> None:
    reship = aftersales.CaseReshipWanted(
        case_id="lost-a",
        kind="lost_parcel",
        lines=("1", "2"),
        parcel_id="P-1",
        worth=Decimal("19.80"),
        currency="EUR",
    )
    play = lost().hear(reship, after(hours=251))
    (claim,) = play.of("carrier_claim.opened")
    assert (claim.remedy, claim.served_with, claim.currency) == ("reship", Decimal("19.80"), "EUR")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (ask.AddClaimEvidence, {"kind": "proof_of_value", "ref": "d"}),
        (ask.SubmitClaim, {"amount": Decimal("1")}),
        (ask.ApproveClaim, {"amount": Decimal("1")}),
        (ask.RefuseClaim, {"reason": "late"}),
        (ask.AppealClaim, {}),
        (ask.SettleClaim, {"amount": Decimal("1")}),
        (ask.GiveUpClaim, {}),
    ],
)
def test_no_step_comes_before_the_loss_and_the_buyer(kind: Callable[..., Any], more: dict[str, Any]) -> None:
    assert step(shipping(), kind, 10, **more).refused.slug == "loss-not-confirmed"
    assert step(lost(), kind, 251, **more).refused.slug == "buyer-not-served"
    unknown = shipping().do(kind(at=after(hours=1), parcel_id="P-9", **more)).refused
    assert (unknown.slug, unknown.missing) == ("parcel-unknown", True)


def test_each_step_names_the_one_that_is_missing() -> None:
    play = served(agreed())
    assert step(play, ask.ApproveClaim, 252, amount=Decimal("1")).refused.slug == "claim-not-submitted"
    assert step(play, ask.AppealClaim, 252).refused.slug == "claim-not-refused"
    assert step(play, ask.SettleClaim, 252, amount=Decimal("1")).refused.slug == "claim-not-approved"
    evidence(play, "proof_of_value", 253)
    missing = step(play, ask.SubmitClaim, 254, amount=Decimal("1")).refused
    assert missing.slug == "evidence-missing"
    assert "carrier_trace" in missing.detail
    step(evidence(play, "carrier_trace", 255), ask.SubmitClaim, 256, amount=Decimal("19.80"))
    assert evidence(play, "photo", 257).refused.slug == "claim-submitted"
    assert step(play, ask.SubmitClaim, 257, amount=Decimal("1")).refused.slug == "claim-submitted"
    step(play, ask.RefuseClaim, 260, reason="too_late")
    assert step(play, ask.ApproveClaim, 261, amount=Decimal("1")).refused.slug == "appeal-first"
    step(play, ask.AppealClaim, 262)
    assert claim_stage(play) == "submitted"


def test_a_refusal_is_appealed_once_and_the_second_one_ends_the_claim() -> None:
    play = step(submitted(), ask.RefuseClaim, 260, reason="too_late")
    step(step(play, ask.AppealClaim, 262), ask.RefuseClaim, 270, reason="still_too_late")
    assert play.of("carrier_claim.refused")[-1].final
    assert play.of("carrier_claim.closed")[0].reason == "refused"
    assert play.of("carrier_claim.reconciled")[0].shortfall == Decimal("19.80")
    assert step(play, ask.AppealClaim, 271).refused.slug == "claim-ended"


def test_a_refusal_that_nobody_appeals_stands_after_its_time() -> None:
    play = step(submitted(agreed()), ask.RefuseClaim, 260, reason="too_late")
    assert play.view.parcels[0].claim.deadline_at == after(hours=260 + 240)
    play.run_until(after(hours=499))
    assert not play.of("carrier_claim.closed")
    play.run_until(after(hours=500))
    assert play.of("carrier_claim.closed")[0].reason == "not_appealed"
    assert not play.timers


def test_an_overdue_claim_is_chased_and_the_task_closes_when_the_carrier_decides() -> None:
    play = submitted(agreed()).run_until(after(hours=254 + 480))
    assert play.of("carrier_claim.overdue")[0].awaited == "decision"
    assert len(wanted(play, "chase_claim")) == 1
    step(play, ask.ApproveClaim, 800, amount=Decimal("19.80"))
    assert ("chase_claim", "approved") in withdrawn(play)
    assert play.timers == {("claim", "P-1"): after(hours=800 + 14 * 24)}


def test_a_chased_carrier_names_a_day_and_is_chased_again_when_it_has_come() -> None:
    play = submitted(agreed()).run_until(after(hours=254 + 480))
    complete(play, "chase_claim", "promised", after(hours=740), date=after(hours=800).isoformat())
    assert play.view.parcels[0].claim.deadline_at == after(hours=800)
    play.run_until(after(hours=800))
    assert len(wanted(play, "chase_claim")) == 2
    complete(play, "chase_claim", "given_up", after(hours=801))
    assert play.of("carrier_claim.closed")[0].reason == "given_up"
    assert not play.view.parcels[0].open_tasks


def awaited(play: Play) -> list[Any]:
    """What the tasks about the claim wait for, and that one of them at most is open."""
    assert len([task for task in parcel_of(play).tasks if task.kind == "chase_claim"]) <= 1
    return [task.details["awaited"] for task in wanted(play, "chase_claim")]


def test_without_terms_no_clock_runs_and_somebody_has_each_step_of_the_claim() -> None:
    play = served()
    assert awaited(play) == ["submission"]
    step(play, ask.SubmitClaim, 254, amount=Decimal("19.80"))
    assert awaited(play) == ["submission", "decision"]
    assert withdrawn(play)[-1] == ("chase_claim", "submitted")
    step(play, ask.RefuseClaim, 260, reason="late")
    step(play, ask.AppealClaim, 262)
    step(play, ask.ApproveClaim, 270, amount=Decimal("19.80"))
    assert awaited(play) == ["submission", "decision", "appeal", "decision", "payment"]
    assert not play.timers
    step(play, ask.SettleClaim, 280, amount=Decimal("19.80"))
    assert withdrawn(play)[-1] == ("chase_claim", "paid")
    assert not parcel_of(play).tasks


def test_without_terms_a_second_refusal_leaves_nothing_to_be_done() -> None:
    play = step(submitted(), ask.RefuseClaim, 260, reason="late")
    step(step(play, ask.AppealClaim, 262), ask.RefuseClaim, 270, reason="no")
    assert claim_stage(play) == "reconciled"
    assert awaited(play) == ["submission", "decision", "appeal", "decision"]
    assert not parcel_of(play).tasks


def test_without_terms_the_claim_waits_until_a_day_that_somebody_names_or_is_given_up() -> None:
    play = served()
    complete(play, "chase_claim", "promised", after(hours=252), date=after(hours=300).isoformat())
    assert not parcel_of(play).tasks
    play.run_until(after(hours=300))
    assert play.of("carrier_claim.overdue")[0].awaited == "submission"
    complete(play, "chase_claim", "given_up", after(hours=301))
    assert claim_stage(play) == "reconciled"
    assert not play.timers


def test_with_terms_nobody_is_asked_before_a_step_is_overdue() -> None:
    assert not awaited(submitted(agreed()))


def test_a_claim_of_an_earlier_release_goes_on() -> None:
    play = served()
    raw = SERVICE.state.dump_python(play.state, mode="json")
    for gone in ("claim", "weights", "watch", "enquiry", "longest_gap"):
        del raw["parcels"][0][gone]
    play.state = SERVICE.state.validate_python(raw)
    assert step(play, ask.SubmitClaim, 254, amount=Decimal("19.80")).of("carrier_claim.submitted")


def test_the_carriers_own_terms_come_before_those_for_all() -> None:
    others = TERMS.model_copy(update={"carrier": None, "evidence": ()})
    assert claim_terms((others, TERMS), "dhl ") is TERMS
    assert claim_terms((others, TERMS), "ups") is others
    assert claim_terms((TERMS,), "ups") is None


STEPS = st.lists(
    st.sampled_from(
        [
            (ask.AddClaimEvidence, {"kind": "proof_of_value", "ref": "a"}),
            (ask.AddClaimEvidence, {"kind": "carrier_trace", "ref": "b"}),
            (ask.SubmitClaim, {"amount": Decimal("19.80")}),
            (ask.ApproveClaim, {"amount": Decimal("9.00")}),
            (ask.RefuseClaim, {"reason": "no"}),
            (ask.AppealClaim, {}),
            (ask.SettleClaim, {"amount": Decimal("9.00")}),
            (ask.GiveUpClaim, {}),
        ]
    ),
    max_size=14,
)
ORDER = ("carrier_claim.opened", "carrier_claim.submitted", "carrier_claim.approved", "carrier_claim.paid")


@settings(max_examples=80, deadline=None)
@given(STEPS, st.booleans())
def test_whatever_is_asked_the_strict_order_holds_and_the_money_is_said_once(
    steps: list[tuple[Callable[..., Any], dict[str, Any]]], chased: bool
) -> None:
    play = served(agreed())
    for number, (kind, more) in enumerate(steps):
        if chased:
            play.run_until(after(hours=252 + 300 * number))
        step(play, kind, 252 + (300 if chased else 1) * number, **more)
        claim_stage(play)
    play.run_until(START.replace(year=START.year + 9))
    names = play.names()
    firsts = [names.index(name) for name in ORDER if name in names]
    assert firsts == sorted(firsts)
    assert names.count("carrier_claim.paid") <= 1
    assert names.count("carrier_claim.reconciled") <= 1
    assert ("carrier_claim.paid" in names) <= ("carrier_claim.approved" in names)
    assert SERVICE.state.validate_python(SERVICE.state.dump_python(play.state, mode="json")) == play.state


def test_a_claims_task_that_was_closed_takes_no_answer() -> None:
    play = submitted(agreed()).run_until(after(hours=254 + 480))
    task = wanted(play, "chase_claim")[0]
    step(play, ask.ApproveClaim, 800, amount=Decimal("19.80"))
    late = notifications.TaskCompleted(
        task_id=task.task_id,
        kind="chase_claim",
        wanted_by="logistics",
        agent_id="a",
        outcome="given_up",
        details={},
    )
    assert play.hear(late, after(hours=801)).refused.slug == "task-not-open"
