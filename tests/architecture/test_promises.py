"""Every promise names its tests, and every test that proves something names its promise."""

from pathlib import Path

import pytest

from tests.architecture.promised import PAGES, problems
from tests.promises import PROMISES, PROVING_FOLDERS, README, Promise

ROOT = Path(__file__).parents[2]
MARKED = 'import pytest\n\npytestmark = pytest.mark.promise("kept")\n\n\ndef test_it() -> None: ...\n'
BY_TEST = 'import pytest\n\n\n@pytest.mark.promise("kept")\ndef test_it() -> None: ...\n'
UNMARKED = "def test_it() -> None: ...\n"
TABLE = "## What is promised\n\n| promise | how |\n| --- | --- |\n| it is kept | so |\n\n## Next\n"
OTHER = TABLE.replace("it is", "all is")


def test_promises_and_tests_name_each_other() -> None:
    found = problems(ROOT, PROMISES, PROVING_FOLDERS)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "shown_by", "page", "table", "said"),
    [
        (MARKED, ("tests/storms/test_a.py",), "README.md", TABLE, ""),
        (BY_TEST, ("tests/storms/test_a.py::test_it",), "README.md", TABLE, ""),
        (UNMARKED, ("tests/storms/test_a.py",), "README.md", TABLE, "has no such mark"),
        (UNMARKED, (), "README.md", TABLE, "names no promise"),
        (MARKED, ("tests/storms/test_b.py",), "README.md", TABLE, "which lists it not"),
        (MARKED, (), "README.md", TABLE, "shown by no test"),
        (MARKED, ("tests/storms/test_a.py",), "README.md", OTHER, "README.md promises"),
        (MARKED, ("tests/storms/test_a.py",), "ARCHITECTURE.md", OTHER, "ARCHITECTURE.md promises"),
    ],
)
def test_what_does_not_fit_together_is_found(
    tmp_path: Path, module: str, shown_by: tuple[str, ...], page: str, table: str, said: str
) -> None:
    (tmp_path / "tests" / "storms").mkdir(parents=True)
    (tmp_path / "tests" / "storms" / "test_a.py").write_text(module, "utf-8")
    for each in PAGES:
        (tmp_path / each).write_text(table if each == page else TABLE, "utf-8")
    promise = Promise("kept", "it is kept", README, shown_by)
    found = "\n".join(problems(tmp_path, [promise], ["tests/storms"]))
    assert said in found if said else not found
