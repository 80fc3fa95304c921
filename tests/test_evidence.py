"""The studies behind docs/evidence.md run, and the page is what they write."""

import re
from pathlib import Path

import numpy as np
import pytest
from benchmarks.evidence import STUDIES
from benchmarks.evidence.__main__ import main
from benchmarks.evidence.intervals import effect, mean_of
from benchmarks.evidence.selection import stability
from benchmarks.evidence.sonar import read
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

PAGE = Path(__file__).parent.parent / "docs" / "evidence.md"
VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=20)


def sections(text):
    """The page's sections: the rows of each one's table by its heading."""
    found = {}
    for part in text.split("\n## ")[1:]:
        lines = [line for line in part.splitlines() if line.startswith("|")]
        found[part.splitlines()[0]] = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return found


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A short run of all studies."""
    return main(["--quick", "--processes", "1", "--output", str(tmp_path_factory.mktemp("evidence"))])


def test_every_study_runs_and_fills_its_table(quick):
    text = quick.read_text(encoding="utf-8")
    found = sections(text)
    assert len([rows for rows in found.values() if rows]) == len(STUDIES)
    assert "nan" not in text
    assert "inf" not in text
    for rows in found.values():
        assert {len(row) for row in rows} <= {len(rows[0])} if rows else True
    for figure in re.findall(r"\]\((evidence/.*\.svg)\)", text):
        assert (quick.parent / figure).read_text(encoding="utf-8").startswith("<?xml")


def test_the_page_has_the_sections_and_rows_that_the_studies_write(quick):
    made, shown = sections(quick.read_text(encoding="utf-8")), sections(PAGE.read_text(encoding="utf-8"))
    assert list(made) == list(shown)
    for heading, rows in made.items():
        assert [row[0] for row in rows] == [row[0] for row in shown[heading]]


def test_the_page_is_of_a_full_run():
    text = PAGE.read_text(encoding="utf-8")
    assert "over 50 seeds" in text
    assert "4,000 epochs" in text


@given(values=VALUES)
def test_the_interval_is_student_s(values):
    found = mean_of(values)
    spread = stats.sem(values)
    if spread > 1e-9:
        expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=spread)
        np.testing.assert_allclose([found.low, found.high], expected)
    assert found.low <= found.mean <= found.high
    assert effect(found) in {"better", "worse", "not shown to differ"}
    assert (effect(found) == "not shown to differ") == found.holds(0.0)


def test_selections_that_are_all_one_are_stable_and_random_ones_are_not():
    random = np.random.default_rng(0)
    one = random.random(40) < 0.4
    assert stability(np.tile(one, (10, 1))) == pytest.approx(1)
    assert np.mean([stability(random.random((10, 40)) < 0.4) for _ in range(200)]) == pytest.approx(0, abs=0.01)


def test_the_sonar_table_is_whole():
    x, y = read()
    assert x.shape == (208, 60)
    assert y.sum() == 111
    assert ((x >= 0) & (x <= 1)).all()
