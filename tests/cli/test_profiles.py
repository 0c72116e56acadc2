"""`orderlink profiles` and `orderlink simulate --profile`: what a change of the numbers would do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.adapters.profile_files import OWN_DIRECTORY
from shared.cli import profiles
from shared.cli.profiles import PAGE, with_tables
from shared.cli.simulate import app as simulate_app
from tests.cli.test_simulate import PLACED, simulate

ROOT = Path(__file__).parents[2]
MALL_2 = """\
id: mall
version: 2
effective: 2027-01-01
values: {close_unpaid_after: PT3H, auto_complete_after: P15D}
facts: {flash_sale_unpaid_window: PT30M}
may: {change_price: false}
sources:
  close_unpaid_after: {confidence: third_party, source: somebody said so}
  may.change_price: {confidence: official, source: the new terms}
"""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no cell of a table is folded."""
    monkeypatch.setenv("COLUMNS", "400")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(profiles.app, list(arguments))
    return result.exit_code, result.output


def rows(output: str) -> list[list[str]]:
    """The cells of the tables in an output."""
    return [[cell.strip() for cell in line.split("│")] for line in output.splitlines() if "│" in line]


@pytest.fixture
def mall_2(tmp_path: Path) -> Path:
    path = tmp_path / "mall.yaml"
    path.write_text(MALL_2)
    return path


def test_check_shows_what_a_version_changes_beside_the_one_before_and_the_default(mall_2: Path) -> None:
    code, output = run("check", str(mall_2))
    assert code == 0
    before, beside_default = output.split("mall@2 beside default@1")
    assert "mall@2 can be used. It gives 4 values, facts and abilities." in before
    assert "mall@2 beside mall@1, the version before" in before
    assert rows(before) == [
        ["close_unpaid_after", "PT2H", "PT3H", "somebody said so", "third party"],
        ["auto_complete_from", "dispatch", "delivery", "default@1: this product's choice", "unverified"],
        ["facts.flash_sale_unpaid_window", "PT1H", "PT30M", "no source given", "unverified"],
        ["may.change_price", "yes", "no", "the new terms", "official"],
        ["facts.aftersales_close_after", "P7D", "–", "", ""],
        ["facts.auto_review_after", "P7D", "–", "", ""],
    ]
    assert ["close_unpaid_after", "P1D", "PT3H", "somebody said so", "third party"] in rows(beside_default)
    assert "note: payment_reminder_after: not before close_unpaid_after" in output


def test_check_of_a_mistake_ends_with_one_and_names_file_version_and_field(mall_2: Path) -> None:
    mall_2.write_text(MALL_2.replace("PT3H", "shortly"))
    code, output = run("check", str(mall_2))
    assert code == 1
    told = (
        "mall.yaml, mall@2: values.close_unpaid_after: expected a duration such as PT24H or P10D, got shortly"
    )
    assert told in output


def test_check_refuses_a_version_that_says_something_else_than_the_one_in_force(mall_2: Path) -> None:
    mall_2.write_text(MALL_2.replace("version: 2", "version: 1"))
    code, output = run("check", str(mall_2))
    assert code == 1
    assert "mall.yaml, mall@1: close_unpaid_after: expected PT2H as in" in output
    assert "got PT3H; a version that is in force does not change: make it version 2" in output


def test_check_of_a_shipped_file_finds_nothing_wrong() -> None:
    for path in sorted(OWN_DIRECTORY.glob("*.yaml")):
        if path.name != "shops.yaml":
            assert run("check", str(path))[0] == 0, path


def test_check_notes_what_is_allowed_and_probably_not_meant(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(
        "id: odd\nversion: 1\nvalues:\n  stall_levels: [P5D, P2D]\n  lost_suspected_after: P1D\n"
        "  thresholds: [{carrier: dhl, stall_levels: [P9D, P12D], lost_suspected_after: P11D}]\n"
        "facts: {payment_valid_for: PT2H}\n"
    )
    notes = [line for line in run("check", str(path))[1].splitlines() if line.startswith("note: ")]
    assert [note.split(": ")[1] for note in notes] == [
        "stall_levels",
        "lost_suspected_after",
        "thresholds.0",
        "close_unpaid_after",
    ]


SHOPS = (
    ("superstore", "America/New_York"),
    ("demo", "Europe/Berlin"),
    ("demo-market", "Europe/Berlin, 4 overridden"),
)


def test_without_a_file_check_reads_shops_and_profiles() -> None:
    told = [f"{shop}: default@1, {zone}" for shop, zone in SHOPS]
    assert run("check") == (0, "\n".join([*told, ""]))


def test_list_tells_versions_days_and_the_shops_that_go_by_them(tmp_path: Path) -> None:
    (tmp_path / "wechat.yaml").write_text("id: wechat_shop\nversion: 3\neffective: 2999-01-01\n")
    shops = tmp_path / "shops"
    shops.write_text("- {shop_id: a, name: A, zone: UTC, profile: wechat_shop}\n")
    code, output = run("list", "--profiles", str(tmp_path), "--shops", str(shops))
    assert code == 0
    told = {line[0]: (line[1], line[5]) for line in rows(output)}
    assert told["wechat_shop@1"] == ("ever", "")
    assert told["wechat_shop@2"] == ("2024-03-25", "a")
    assert told["wechat_shop@3"] == ("2999-01-01", "")


@pytest.mark.parametrize(
    ("which", "title", "row"),
    [
        ("mall", "mall@1", ["close_unpaid_after", "PT2H"]),
        ("wechat_shop@1", "wechat_shop@1", ["facts.complaint_answer_within", "P3D"]),
        ("wechat_shop", "wechat_shop@2", ["facts.complaint_answer_within", "P2D"]),
        ("demo", "default@1, Europe/Berlin", ["may.change_price", "yes"]),
    ],
)
def test_show_takes_a_shop_a_profile_or_a_version(which: str, title: str, row: list[str]) -> None:
    code, output = run("show", which)
    assert code == 0
    assert output.startswith(title)
    assert row in [cells[:2] for cells in rows(output)]


@pytest.mark.parametrize("which", ["nobody", "mall@9"])
def test_show_of_what_is_not_there_says_what_there_is(which: str) -> None:
    code, output = run("show", which)
    assert code == 1
    assert f"there is no shop and no profile '{which}'; there are default, demo, demo-market, mall" in output


def test_the_page_of_profiles_is_current() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    assert page == with_tables(page), "make it anew: orderlink profiles document"


def test_document_replaces_the_tables_and_nothing_else(tmp_path: Path) -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    path = tmp_path / "page.md"
    path.write_text(page.replace("| PT12H |", "| PT13H |"))
    assert run("document", "--page", str(path))[0] == 0
    assert path.read_text("utf-8") == page
    path.write_text("# No place for tables\n")
    assert run("document", "--page", str(path))[0] == 1


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    path = tmp_path / "timeline.jsonl"
    path.write_text(json.dumps(PLACED) + "\n")
    return path


def test_simulate_tells_what_a_profile_would_have_done(timeline: Path, mall_2: Path) -> None:
    told = json.loads(simulate(str(timeline), "--json", "--profile", str(mall_2)).stdout)
    assert set(told) == {"before", "after", "difference"}
    assert told["before"]["payment_reminder_due.first"] == 1
    assert "payment_reminder_due.first" not in told["after"]
    # It closes at 14:00 in Berlin, with a last call at 12:00 and no night in between.
    assert told["difference"] == {
        "message.postponed": -1,
        "message.sent.payment_reminder": -1,
        "order.closed.unpaid": 0,
        "order.placed": 0,
        "payment_reminder_due.first": -1,
        "payment_reminder_due.last_call": 0,
    }


def test_simulate_shows_what_differs_first(timeline: Path) -> None:
    ran = simulate(str(timeline), "--profile", "mall@1")
    assert ran.returncode == 0
    assert "4 of 6 counts differ" in ran.stdout
    names = [cells[0] for cells in rows(ran.stdout)]
    assert names[-2:] == ["order.closed.unpaid", "order.placed"]


@pytest.mark.parametrize(
    ("profile", "reason"), [("nothing", "no profile 'nothing'"), ("/nowhere/a.yaml", "No such file")]
)
def test_simulate_with_a_profile_that_is_not_there_says_so(timeline: Path, profile: str, reason: str) -> None:
    ran = CliRunner().invoke(simulate_app, [str(timeline), "--profile", profile])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert reason in ran.stderr
