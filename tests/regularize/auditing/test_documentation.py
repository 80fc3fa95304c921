"""docs/audit.md: its table is the table of checks, and its example is what runs."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from tests.regularize.auditing.mistakes import MISTAKES

from evenfit.regularize.auditing.checks import CHECKS

PAGE = (Path(__file__).parents[3] / "docs/audit.md").read_text(encoding="utf-8")
ROWS = {
    row[0]: row[1:] for row in re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
}


def test_the_table_has_every_check_in_its_order():
    assert list(ROWS) == list(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_each_row_has_the_title_the_severities_and_the_source(name):
    title, severities, *_ = ROWS[name]
    assert title == CHECKS[name].title
    assert {each.severity for each in MISTAKES if each.check == name} <= set(
        re.findall("error|warning|note", severities)
    )
    assert f"- `{name}`: {CHECKS[name].source}\n" in PAGE


def test_the_example_prints_what_the_page_shows():
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    [shown] = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    printed = StringIO()
    with redirect_stdout(printed):
        exec(code, {})  # noqa: S102 - our own page
    assert printed.getvalue() == shown
