"""The texts of messages: complete, checked when they are read, and never a reason to fail."""

from string import Template as Placeholders

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.decide.conditions import holds
from services.notifications.state import OrderFile
from services.notifications.state.knowledge import Knowledge
from services.notifications.templates import Written, write
from services.notifications.templates.reading import TEMPLATES, read_templates

ALWAYS = {"name": "Ada Example", "order_id": "A-1", "shop_name": "Demo Shop"}
PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
JSON = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=3)
WANTED_BY_OTHERS = {
    # What several orders come to is said by notifications itself.
    "payment_reminder": {"stage", "total", "currency", "closes_at", "orders"},
    "confirm_address": set[str](),
    "parcel_dispatched": {"carrier", "tracking_no"},
    "parcel_out_for_delivery": {"carrier", "tracking_no"},
    "parcel_delivered": {"carrier", "tracking_no"},
    "delay_notice": {"carrier", "tracking_no"},
}
"""The templates that other services name, and the values that they send along."""

GOOD = """
id: hello
while: always
values:
  day: {otherwise: some day, form: moment}
texts:
  default: {subject: Hello, text: "Dear ${name}, see you on ${day}."}
"""


def text(params: dict[str, object], source: str = GOOD) -> Written:
    template = read_templates({"hello.yaml": source})["hello"]
    return write(template, params, ALWAYS, "Europe/Berlin")  # type: ignore[arg-type]


@pytest.mark.parametrize("template_id", sorted(TEMPLATES))
def test_every_value_of_a_template_is_used_and_every_placeholder_is_declared(template_id: str) -> None:
    template = TEMPLATES[template_id]
    texts = [part for letter in template.texts.values() for part in (letter.subject, letter.text)]
    used = {name for part in texts for name in Placeholders(part).get_identifiers()}
    chosen_by = {template.choose_by} if template.choose_by else set[str]()
    assert used - set(ALWAYS) | chosen_by == set(template.values)


@pytest.mark.parametrize("template_id", sorted(TEMPLATES))
def test_every_template_reads_well_without_any_value(template_id: str) -> None:
    letter = write(TEMPLATES[template_id], {}, ALWAYS, "UTC")
    assert "$" not in letter.subject + letter.text
    assert "None" not in letter.text
    assert letter.text.startswith("Dear Ada Example,")
    assert letter.text.rstrip().endswith("Demo Shop")


@pytest.mark.parametrize("template_id", sorted(TEMPLATES))
def test_every_condition_holds_for_an_order_of_which_nothing_speaks_against_it(template_id: str) -> None:
    condition = TEMPLATES[template_id].holds_while
    expected = condition != "stalled"
    assert holds(condition, OrderFile(order_id="A-1"), {}) is expected


@pytest.mark.parametrize(("template_id", "sent"), WANTED_BY_OTHERS.items())
def test_what_other_services_send_along_is_enough_for_the_text(template_id: str, sent: set[str]) -> None:
    assert set(TEMPLATES[template_id].values) <= sent


def test_nobody_is_asked_to_confirm_a_change_of_an_order_that_has_ended() -> None:
    condition = TEMPLATES["confirm_wish"].holds_while
    assert holds(condition, OrderFile(order_id="A-1", knows=Knowledge(all_dispatched=True)), {})
    assert not holds(condition, OrderFile(order_id="A-1", knows=Knowledge(ended="cancelled")), {})


def test_a_word_about_a_case_is_worth_sending_while_the_case_is_open() -> None:
    file = OrderFile(order_id="A-1", knows=Knowledge(open_cases=("c-1",), had_case=True))
    assert holds("case_open", file, {"case_id": "c-1"})
    assert not holds("case_open", file, {"case_id": "c-2"})


@pytest.mark.parametrize("stage", ["first", "last_call", "another"])
def test_the_payment_reminder_has_a_text_for_each_stage(stage: str) -> None:
    params = {"stage": stage, "total": "16.45", "currency": "EUR", "closes_at": "2026-03-03T12:00:00Z"}
    letter = write(TEMPLATES["payment_reminder"], params, ALWAYS, "Europe/Berlin")
    assert ("closes soon" in letter.subject) == (stage == "last_call")
    assert "16.45 EUR" in letter.text
    assert "2026-03-03 at 13:00" in letter.text


@given(
    template_id=st.sampled_from(sorted(TEMPLATES)),
    params=st.dictionaries(st.sampled_from(["stage", "total", "closes_at", "text", "kind"]), JSON),
)
def test_no_value_can_make_a_letter_fail(template_id: str, params: dict[str, object]) -> None:
    letter = write(TEMPLATES[template_id], params, ALWAYS, "UTC")  # type: ignore[arg-type]
    assert "\n" not in letter.subject
    assert letter.text


def test_a_value_is_not_expanded_again() -> None:
    letter = write(TEMPLATES["reply"], {"text": "It costs ${order_id} $name"}, ALWAYS, "UTC")
    assert "It costs ${order_id} $name" in letter.text


@pytest.mark.parametrize(
    ("given_value", "shown"),
    [
        ("2026-07-01T10:00:00Z", "2026-07-01 at 12:00"),
        ("2026-07-01T10:00:00", "some day"),
        ("soon", "some day"),
        ("9999-12-31T23:59:59Z", "some day"),
        ("", "some day"),
        (None, "some day"),
        (True, "some day"),
        ([], "some day"),
        (["Monday", "Tuesday"], "Monday, Tuesday"),
    ],
)
def test_a_moment_is_shown_in_the_shops_time_and_anything_else_as_words(
    given_value: object, shown: str
) -> None:
    assert text({"day": given_value}).text == f"Dear Ada Example, see you on {shown}."


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (GOOD.replace("${day}", "${month}"), "month"),
        (GOOD.replace("${day}", "${day"), "placeholder"),
        (GOOD.replace("subject: Hello", 'subject: "Hello ${name}"'), "subject"),
        (GOOD.replace("while: always", "while: it rains"), "while"),
        (GOOD.replace("texts:", "choose_by: colour\ntexts:"), "colour"),
        (GOOD.replace("id: hello", "id: goodbye"), "goodbye"),
        (GOOD + "colour: red\n", "colour"),
        ("id: [", "hello.yaml"),
        ("texts: {}", "hello.yaml"),
    ],
)
def test_a_template_that_is_wrong_is_not_read_and_named(wrong: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        read_templates({"hello.yaml": wrong})
    assert "hello.yaml" in str(caught.value)
