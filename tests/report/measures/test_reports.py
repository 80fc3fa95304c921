"""Reports of every kind of measurement: what a terminal shows, and the page."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from tests.report.measures.measured import KINDS, make_facts, measured, told, written

from evenfit.report.figures.canvas import VARIABLES
from evenfit.report.measures import diagnosis
from evenfit.report.measures.figures import rows
from evenfit.report.measures.figures.remedies import percent_text
from evenfit.report.measures.figures.ticks import spread_out
from evenfit.results.diagnosis.drawing import shown
from evenfit.results.study import Interval


@pytest.mark.parametrize("kind", KINDS)
def test_text_stays_within_80_columns_and_says_no_nan(kind):
    said = told(kind)
    assert max(map(len, said.splitlines())) <= 80
    assert not re.search(r"\bnan\b|\binf\b", said)
    assert "runs/shop-measurement" in said


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_of_a_page_has_its_words_and_its_numbers(kind):
    page = written(kind)
    figures = re.findall(r"<figure>.*?</figure>", page, flags=re.DOTALL)
    assert figures
    for one in figures:
        assert len(re.findall(r"<svg[^>]* role=\"img\" aria-label=\"[^\"]{10,}\"", one)) == 1
        assert one.count("<tbody><tr>") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_no_script_no_style_of_its_own_and_no_other_file(kind):
    page = written(kind)
    assert "<script" not in page
    assert ' style="' not in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:,)", page)


@pytest.mark.parametrize("kind", KINDS)
def test_every_colour_of_a_figure_follows_the_page(kind):
    drawn = "".join(re.findall(r"<svg.*?</svg>", written(kind), flags=re.DOTALL))
    colours = {known.lower() for known in re.findall(r"(?:fill|stroke|color)=\"(#[0-9a-fA-F]{6})\"", drawn)}
    assert colours <= {"#000000", "#ffffff"}, "colours that stay as they are on a dark page"
    assert set(re.findall(r"--figure-([a-z]+)", drawn)) <= set(VARIABLES.values())


def test_names_from_outside_are_text():
    page = written("bias", name="<script>alert(1)</script>", target="<b>", labels=("<i>",) * 4000)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_the_rows_with_most_variance_come_first_with_their_numbers_and_targets():
    found = measured("bias")
    numbers = tuple(range(1001, 1001 + found.rows))
    table = rows.top(found, make_facts(found, row_names=numbers, labels=tuple(map(str, numbers))))
    most = int(found.maps.numbers[np.argmax(found.maps.variance)])
    assert table.rows[0][0] == f"{numbers[most]:,}"
    assert table.rows[0][1] == str(numbers[most])
    variances = [float(row[2].replace(",", "")) for row in table.rows]
    assert variances == sorted(variances, reverse=True)


def test_concentration_goes_from_nothing_to_all():
    shares, carried = rows.concentration(np.array([4.0, 0.0, 1.0, 5.0]))
    assert (shares[0], carried[0], shares[-1], carried[-1]) == (0, 0, 1, 1)
    assert (np.diff(carried) >= 0).all()
    assert len(rows.concentration(np.zeros(3))[0]) == 0


def test_the_parts_of_a_sweep_are_shown_at_every_value():
    found = measured("sweep")
    assert [line.split()[0] for line in told("sweep").splitlines() if re.match(r"\d+ ", line)] == list(
        map(str, found.values)
    )
    assert "ouble descent" in told("sweep")


def test_what_a_curve_refuses_to_say_is_said_with_the_reason():
    assert "cannot be said" in told("refused")
    assert "by the law" not in told("refused")
    assert "the diamond" not in written("refused")


def test_a_curve_that_behaves_has_its_law_and_twice_its_rows():
    found = measured("learning")
    assert f"{found.extrapolation.twice_rows:,.0f}" in told("learning")
    assert "law" in told("learning")


def test_a_page_has_the_gap_by_epoch_where_models_learn_by_epochs():
    assert "Gap by epoch" in written("epochs")
    assert "Gap by epoch" not in written("learning")


def test_every_remedy_stands_in_the_text_in_the_order_of_its_help():
    said = " ".join(told("diagnosis").split())
    assert measured("diagnosis").remedies
    for remedy in measured("diagnosis").remedies:
        assert remedy.words.split()[0] in said
    effects = [remedy.percent.mean for remedy in shown(measured("diagnosis"))]
    assert effects == sorted(effects)


def test_a_remedy_that_diverged_is_told_but_not_drawn():
    found = measured("diagnosis")
    broken = Interval(mean=math.inf, low=math.inf, high=math.inf)
    other = replace(found, remedies=(replace(found.remedies[0], percent=broken, effect=broken), *found.remedies[1:]))
    assert len(shown(other)) == len(found.remedies) - 1
    facts = make_facts()
    assert "diverged or failed" in "".join(diagnosis.sections(other, facts))


def test_a_diagnosis_without_any_remedy_says_so():
    found = replace(measured("diagnosis"), remedies=())
    assert "no change could be measured" in "".join(diagnosis.sections(found, make_facts()))


def test_changes_in_percent_have_signs():
    assert percent_text(Interval(mean=2.0, low=-1.0, high=5.0)) == "+2 (-1 to +5)"


def test_ticks_keep_both_ends_and_do_not_run_into_each_other():
    kept = spread_out([2.0**power for power in range(16)])
    assert (kept[0], kept[-1]) == (1.0, 2.0**15)
    assert len(kept) < 14
