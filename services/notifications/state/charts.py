"""State charts of a message and of a task, as data."""

from typing import Final

from shared.kernel.charts import Chart, Stage

MESSAGE: Final = Chart(
    document="message",
    stages=(
        Stage(
            stage="due",
            meaning="Wanted, and being looked at now.",
            acts="orderlink",
            leads_to=("postponed", "needs_contact", "asking", "sending", "dropped"),
        ),
        Stage(
            stage="postponed",
            meaning="Waits for the end of the quiet hours, then everything is looked at again.",
            acts="orderlink",
            deadline="quiet_hours",
            at_deadline="message.asked",
            leads_to=("postponed", "needs_contact", "asking", "dropped"),
        ),
        Stage(
            stage="needs_contact",
            meaning="Waits until it is known who receives the order.",
            acts="orderlink",
            deadline="fact_wait",
            at_deadline="message.suppressed",
            leads_to=("postponed", "asking", "sending", "dropped"),
        ),
        Stage(
            stage="asking",
            meaning="Waits for the buyer's day to say whether one more message fits.",
            acts="orderlink",
            leads_to=("sending", "postponed", "asking", "dropped"),
        ),
        Stage(
            stage="sending",
            meaning="Given to the channel.",
            acts="orderlink",
            leads_to=("sent", "dropped"),
        ),
        Stage(stage="sent", meaning="The channel took it.", acts="nobody", final=True),
        Stage(
            stage="dropped",
            meaning="Not worth sending, or refused by the channel; the reason says why.",
            acts="nobody",
            final=True,
        ),
    ),
)

TASK: Final = Chart(
    document="task",
    stages=(
        Stage(
            stage="open",
            meaning="In the queue. Overdue, it stays there with a higher priority and a supervisor's eye.",
            acts="shop",
            at_deadline="task.overdue",
            leads_to=("claimed", "closed"),
        ),
        Stage(
            stage="claimed",
            meaning="Held by one agent while his lease runs.",
            acts="shop",
            deadline="claim_lease",
            at_deadline="task.returned",
            leads_to=("open", "completed", "closed"),
        ),
        Stage(stage="completed", meaning="An agent completed it with an outcome.", acts="nobody", final=True),
        Stage(
            stage="closed",
            meaning="It closed itself because its cause was gone.",
            acts="nobody",
            final=True,
        ),
    ),
)

BUYER_MESSAGE: Final = Chart(
    document="buyer_message",
    stages=(
        Stage(
            stage="waiting",
            meaning="The buyer wrote and nobody has answered yet.",
            acts="shop",
            deadline="first_response_within",
            at_deadline="message.unanswered",
            leads_to=("unanswered", "answered"),
        ),
        Stage(
            stage="unanswered",
            meaning="Nobody answered in time; a task `answer_buyer` has it.",
            acts="shop",
            leads_to=("answered",),
        ),
        Stage(
            stage="answered",
            meaning="Somebody answered, or decided that no answer is needed.",
            acts="nobody",
            final=True,
        ),
    ),
)

CHARTS: Final = (MESSAGE, TASK, BUYER_MESSAGE)
