"""The chart of a case: what each stage means, who acts in it, and what its deadline does."""

from typing import Final

from shared.kernel.charts import Chart, Stage

CASE: Final = Chart(
    document="case",
    stages=(
        Stage(
            stage="weighing",
            meaning="Something is missing: weights are compared before the shop may answer.",
            acts="shop",
            deadline="answer_within",
            at_deadline="case.approved",
            leads_to=("deciding", "refunding", "awaiting_return", "refused", "closed"),
        ),
        Stage(
            stage="deciding",
            meaning="The request waits for the shop's answer; unanswered, it is approved.",
            acts="shop",
            deadline="answer_within",
            at_deadline="case.approved",
            leads_to=("offered", "refunding", "awaiting_return", "refused", "closed"),
        ),
        Stage(
            stage="choosing",
            meaning="The parcel is lost: the buyer chooses a new one or the money; unchosen, the money.",
            acts="buyer",
            deadline="answer_within",
            at_deadline="case.approved",
            leads_to=("offered", "refunding", "refused", "closed"),
        ),
        Stage(
            stage="offered",
            meaning="The shop offered something else; unanswered, the case closes, a lost parcel is paid.",
            acts="buyer",
            deadline="answer_within",
            at_deadline="case.closed",
            leads_to=("deciding", "choosing", "refunding", "awaiting_return", "refused", "closed"),
        ),
        Stage(
            stage="awaiting_return",
            meaning="Approved; the goods are to be sent back first.",
            acts="buyer",
            deadline="ship_back_within",
            at_deadline="case.closed",
            leads_to=("returning", "inspecting", "refunding", "refused", "closed"),
        ),
        Stage(
            stage="returning",
            meaning="The goods are on their way back; not reported as arrived, they count as accepted.",
            acts="shop",
            deadline="inspect_within",
            at_deadline="case.refund_started",
            leads_to=("inspecting", "refunding", "refused", "closed"),
        ),
        Stage(
            stage="inspecting",
            meaning="The goods came back and are not intact: an agent judges; unjudged, they are accepted.",
            acts="shop",
            deadline="decide_inspection_within",
            at_deadline="case.refund_started",
            leads_to=("refunding", "refused", "closed"),
        ),
        Stage(
            stage="refunding",
            meaning="The payment provider is asked to pay; the money has not moved yet.",
            acts="orderlink",
            leads_to=("refunded", "refund_failed"),
        ),
        Stage(
            stage="refund_failed",
            meaning="The payment provider refused for good; an agent looks into it.",
            acts="shop",
            leads_to=("refunding", "refunded", "closed"),
        ),
        Stage(
            stage="disputed",
            meaning="The buyer brought in the platform; the shop's evidence is awaited.",
            acts="shop",
            deadline="evidence_within",
            at_deadline="case.evidence_missed",
            leads_to=("judging", "refunding", "closed"),
        ),
        Stage(
            stage="judging",
            meaning="The platform decides, with the shop's evidence or without.",
            acts="platform",
            leads_to=("refunding", "closed"),
        ),
        Stage(
            stage="reviewing",
            meaning="A bad review: an agent is to call the buyer. It holds nothing up.",
            acts="shop",
            leads_to=("closed",),
        ),
        Stage(
            stage="refused",
            meaning="No refund. The buyer may bring in the platform for a while, after talking to the shop.",
            acts="buyer",
            deadline="dispute_within",
            leads_to=("disputed",),
        ),
        Stage(
            stage="refunded",
            meaning="The money is back with the buyer.",
            acts="nobody",
            final=True,
            money_moved=True,
        ),
        Stage(
            stage="closed",
            meaning="Over without a refund, or after goods, a gift or money by another way; see the reason.",
            acts="nobody",
            final=True,
        ),
    ),
)

CHARTS: Final = (CASE,)
