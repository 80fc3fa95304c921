"""Figures of every task, of the plainest and the strangest studies."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.report.studies import interval, make_facts, make_study

from evenfit.report.confusion import confusion, mistakes
from evenfit.report.figures import (
    calibration,
    curves,
    front,
    gap,
    hyperparameter,
    importance,
    optimism,
    progress,
    regularisers,
    residuals,
)
from evenfit.report.figures.canvas import DEFAULT, INK, SELECTED, VARIABLES, plain, sheet, svg
from evenfit.report.words import mattered, searched


def drawings(study, facts):
    """Every figure that a page may hold, by name: the figure, its words, its table."""
    trial = next(trial for trial in study.trials if trial.number == study.selected.trial)
    made = {
        "curves": (
            curves.draw(trial, loss="loss", colour=SELECTED),
            curves.words(trial, loss="loss"),
            curves.table(trial),
        ),
        "gap": (gap.draw(study), gap.words(study), gap.table(study)),
        "progress": (
            progress.draw(study, facts, loss="loss"),
            progress.words(study, facts),
            progress.table(study, facts),
        ),
        "optimism": (optimism.draw(study, loss="loss"), optimism.words(study), optimism.table(study)),
        "importance": (importance.draw(facts, loss="loss"), importance.words(facts), importance.table(facts)),
    }
    made["regularisers"] = (
        regularisers.draw(facts.ranking, loss="loss"),
        mattered(facts.ranking),
        regularisers.table(facts.ranking),
    )
    for name in searched(study):
        made[name] = (
            hyperparameter.draw(study, name, loss="loss"),
            hyperparameter.words(study, name),
            hyperparameter.table(study, name),
        )
    if study.truth.task == "regression":
        known = residuals.predicted(trial, study.truth)
        made["fit"] = (residuals.draw_fit(known, target="y"), residuals.words(known), residuals.table(known))
        made["residuals"] = (residuals.draw_residuals(known), residuals.words(known), residuals.table(known))
    else:
        known = calibration.reliability(trial, study.truth, event="yes")
        made["calibration"] = (calibration.draw(known), calibration.words(known), calibration.table(known))
    return made


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_figure_draws_with_words_and_numbers(task):
    study = make_study(task, rows=800, trials=12)
    for name, (figure, words, table) in drawings(study, make_facts(study)).items():
        drawn = ElementTree.fromstring(svg(figure, name=name, title=words))  # noqa: S314  our own text
        assert drawn.attrib["role"] == "img"
        assert drawn.attrib["aria-label"] == words
        assert len(list(drawn.iter())) > 20
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_drawing_has_no_style_no_fixed_colour_of_ours_and_no_stray_id():
    study = make_study(rows=200, trials=6)
    for name, (figure, words, _) in drawings(study, make_facts(study)).items():
        drawn = svg(figure, name=name, title=words)
        assert "style=" not in drawn
        for colour in VARIABLES:
            assert f'"{colour}"' not in drawn
        for found in re.findall(r' id="([^"]*)"', drawn):
            assert found.startswith(f"{name}-")
            assert drawn.count(f"#{found}") > 0
        for wanted in re.findall(r'(?:url\(#|href="#)([^)"]+)', drawn):
            assert drawn.count(f'id="{wanted}"') == 1


def test_a_drawing_is_the_same_every_time():
    study = make_study(rows=200, trials=6)
    facts = make_facts(study)
    first, second = (
        {name: svg(figure, name=name, title=words) for name, (figure, words, _) in drawings(study, facts).items()}
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "$x^2$ and $", "😀 \x00 \ud800", "a" * 300, "&lt;", "]]>"]
)
def test_a_column_of_any_name_is_drawn_as_text(name):
    study = make_study(rows=60, trials=2)
    facts = make_facts(study, importance=((name, interval(0.1, 0.02)), ("b", interval(0.0, 0.02))))
    drawn = svg(importance.draw(facts, loss="loss"), name="importance", title=importance.words(facts))
    assert "<script" not in drawn
    texts = [each.text for each in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert any((text or "").startswith(name[:1].replace("<", "<")) for text in texts)


def test_a_dollar_is_a_dollar():
    figure, axes = sheet()
    axes.set_title(plain("a$b$c"))
    assert ">a$b$c<" in svg(figure, name="t", title="t")


def test_the_gap_sets_in_where_its_interval_leaves_zero_for_good():
    study = make_study(rows=200, trials=1)
    trial = replace(study.trials[0], epochs=np.array([1, 2, 4, 8]))
    known = tuple(interval(mean, 1.0) for mean in (1.5, 0.5, 1.2, 3.0))
    assert gap.onset(trial, known) == 4
    assert gap.onset(trial, known[:2]) is None


def test_the_best_so_far_is_of_complete_trials_only_and_falls():
    study = make_study(rows=200, trials=20)
    facts = make_facts(study)
    best = progress.best_so_far(progress.finished(study, facts))
    losses = [loss for _, loss in best]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == min(trial.loss for trial in study.trials if trial.status == "complete")


def test_calibration_counts_every_validated_row_once_a_repeat():
    study = make_study(rows=300, trials=1, repeats=2)
    known = calibration.reliability(study.trials[0], study.truth)
    assert known.rows.sum() == 600
    assert (known.low <= known.observed + 1e-12).all()
    assert (known.observed <= known.high + 1e-12).all()


def test_rows_that_are_never_validated_are_in_no_figure():
    study = make_study("multiclass", rows=300, trials=1, time=True)
    validated = int((study.truth.split_of >= 0).sum())
    assert 0 < validated < 300
    assert calibration.reliability(study.trials[0], study.truth).rows.sum() == validated
    assert confusion(study.trials[0], study.truth).sum() == validated


def test_perfect_probabilities_are_on_the_diagonal():
    study = make_study(rows=20_000, trials=1)
    draw = np.random.default_rng(0)
    probability = draw.uniform(0.02, 0.98, 20_000)
    truth = replace(study.truth, target=(draw.uniform(size=20_000) < probability).astype(int))
    predictions = np.log(np.stack([1 - probability, probability], axis=1))[None]
    assert calibration.reliability(replace(study.trials[0], predictions=predictions), truth).error < 0.02


def test_of_many_classes_the_most_frequent_mistakes_are_listed():
    counts = np.zeros((100, 100), dtype=np.int64)
    np.fill_diagonal(counts, 50)
    counts[3, 7] = 9
    counts[8, 2] = 4
    table = mistakes(counts, [str(code) for code in range(100)])
    assert table.rows == (("3", "7", "9", "15%"), ("8", "2", "4", "7.4%"))


def test_the_two_configs_and_the_ink_have_colours_of_their_own():
    assert len({SELECTED, DEFAULT, INK}) == 3


def test_places_that_several_configs_share_pull_no_median_out_of_line():
    generator = np.random.default_rng(0)
    at = np.concatenate([generator.uniform(0, 1, 60), np.full(4, 0.5)])  # children keep their parent's value
    losses = np.concatenate([generator.normal(1.0, 0.01, 60), np.full(4, 3.0)])
    _, medians = hyperparameter.medians(at, losses)
    assert np.ptp(medians) < 0.1


def test_names_have_medians_of_their_own():
    at = np.repeat([0.0, 1.0, 2.0], 5)
    places, medians = hyperparameter.medians(at, np.repeat([3.0, 1.0, 2.0], 5))
    assert list(places) == [0.0, 1.0, 2.0]
    assert list(medians) == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(("most", "named"), [(900, 6), (20_000, 5), (10_000_000, 6)])
def test_an_axis_of_prices_names_few_enough_that_they_do_not_touch(most, named):
    assert (
        2
        <= len([at for power in range(9) for at in front.marks([100, most]) if 100 <= at * 10**power <= most])
        <= named
    )
