"""The order's chart: what each stage means, who acts in it, and what its deadline brings."""

from typing import Final

from shared.kernel.charts import Chart, Stage

ORDER_CHART: Final = Chart(
    document="order",
    stages=(
        Stage(
            stage="unknown",
            meaning="Nothing was told of the order yet; facts about it are kept for a while.",
            acts="shop",
            leads_to=("unpaid",),
        ),
        Stage(
            stage="unpaid",
            meaning="The order is placed and the buyer has not paid.",
            acts="buyer",
            deadline="close_unpaid_after",
            at_deadline="order.closed",
            leads_to=("paid", "closed", "cancelled"),
        ),
        Stage(
            stage="paid",
            meaning="The order is paid and something of it has still to leave.",
            acts="shop",
            money_moved=True,
            deadline="ship_within",
            at_deadline="order.ship_overdue",
            leads_to=("dispatched", "delivered", "cancelling", "refunded"),
        ),
        Stage(
            stage="cancelling",
            meaning="Nothing has left and nothing will; the money is on its way back.",
            acts="orderlink",
            money_moved=True,
            leads_to=("refunded", "paid", "dispatched", "delivered"),
        ),
        Stage(
            stage="dispatched",
            meaning="Every line that is still wanted has left.",
            acts="carrier",
            money_moved=True,
            leads_to=("delivered", "paid", "cancelling", "refunded"),
        ),
        Stage(
            stage="delivered",
            meaning="Every line has arrived or was paid back; the order completes if no case holds it.",
            acts="buyer",
            money_moved=True,
            deadline="auto_complete_after",
            at_deadline="order.completed",
            leads_to=("completed", "dispatched"),
        ),
        Stage(
            stage="closed",
            meaning="The order ended unpaid by itself. An agent may reopen it for a payment that came late.",
            acts="nobody",
            leads_to=("paid",),
        ),
        Stage(
            stage="cancelled",
            meaning="The order was taken off unpaid. An agent may reopen it for a payment that came late.",
            acts="nobody",
            leads_to=("paid",),
        ),
        Stage(
            stage="refunded",
            meaning="The order ended: all of it was paid back and nothing of it arrived.",
            acts="nobody",
            final=True,
            money_moved=True,
        ),
        Stage(
            stage="completed",
            meaning="The order ended well.",
            acts="nobody",
            final=True,
            money_moved=True,
        ),
    ),
)
