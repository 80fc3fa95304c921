"""Effects are paired, corrected for overlap and for how many there are; a search's leaning is of shares."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evenfit.results.ablation import HARMS, HELPS, UNCLEAR, effects, holm
from evenfit.results.leaning import FEWEST, leaning
from evenfit.results.ranking import ABLATION, NONE, SEARCH, Ranking
from evenfit.results.study import Truth
from evenfit.results.trial import COMPLETE, DIVERGED, Trial
from evenfit.specs.config import Config

SPLITS, EACH = 5, 20
WHOLE = Config(dropout=0.3, l2=0.1, l1=0.01)


def truth_of(splits=SPLITS):
    rows = splits * EACH
    return Truth(
        task="binary",
        metric="log_loss",
        target=np.zeros(rows, dtype=np.int64),
        classes=2,
        split_of=np.repeat(np.arange(splits), EACH)[None],
        training_rows=np.full(splits, rows - EACH),
    )


def trial_of(losses, *, config=WHOLE, number=0, status=COMPLETE):
    """A trial whose last epoch is its best."""
    both = np.stack([np.asarray(losses) + 1.0, np.asarray(losses)])
    return Trial(
        number=number,
        round=0,
        config=config,
        status=status,
        epochs=np.array([1, 2]),
        training_loss=both,
        validation_loss=both,
        selection_loss=both,
        row_values=np.zeros((2, 1, 4, 1), dtype=np.float16),
        best=1,
        predictions=np.zeros((1, 4, 2), dtype=np.float32),
        seconds=0.1,
    )


BASE = np.array([0.50, 0.61, 0.42, 0.55, 0.49])


def test_an_effect_is_the_paired_rise_with_the_corrected_t_test():
    rises = np.array([0.010, 0.012, 0.008, 0.011, 0.009])
    (effect,) = effects(truth_of(), trial_of(BASE), {"dropout": trial_of(BASE + rises)})
    error = np.sqrt(1 / 5 + 1 / 4) * rises.std(ddof=1)
    t = stats.t(4)
    assert effect.rise.mean == pytest.approx(0.010)
    assert effect.rise.high == pytest.approx(0.010 + error * t.ppf(0.975))
    assert effect.chance == pytest.approx(2 * t.sf(0.010 / error))
    assert (effect.verdict, effect.value) == (HELPS, 0.3)


def test_what_is_better_away_harms_and_what_is_not_shown_is_unclear():
    small, none = np.array([0.010, 0.012, 0.008, 0.011, 0.009]), np.array([0.05, -0.04, 0.03, -0.02, 0.0])
    without = {"dropout": trial_of(BASE - small), "l2": trial_of(BASE + none), "l1": trial_of(BASE + small)}
    found = effects(truth_of(), trial_of(BASE), without)
    assert [(effect.name, effect.verdict) for effect in found] == [("l1", HELPS), ("l2", UNCLEAR), ("dropout", HARMS)]


def test_training_that_diverges_without_it_is_a_rise_without_end():
    broken = trial_of(np.full(SPLITS, np.nan), status=DIVERGED)
    (effect,) = effects(truth_of(), trial_of(BASE), {"gradient_clip": broken})
    assert effect.verdict == HELPS
    ranking = Ranking(effects=(effect,))
    assert ranking.to_json()["measured"][0]["rise"] == {"mean": None, "low": None, "high": None, "level": 0.95}


def test_equal_losses_are_no_effect_and_one_split_shows_none():
    (same,) = effects(truth_of(), trial_of(BASE), {"l1": trial_of(BASE)})
    assert (same.rise.mean, same.chance, same.verdict) == (0.0, 1.0, UNCLEAR)
    (single,) = effects(truth_of(1), trial_of(BASE[:1]), {"l1": trial_of(BASE[:1] + 1)})
    assert (single.chance, single.verdict) == (1.0, UNCLEAR)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_none_and_bonferroni_and_keeps_the_order(chances):
    names = {str(place): chance for place, chance in enumerate(chances)}
    adjusted = holm(names)
    for name, chance in names.items():
        assert chance <= adjusted[name] <= min(1.0, chance * len(names)) + 1e-12
    ordered = sorted(names, key=lambda name: names[name])
    assert all(adjusted[one] <= adjusted[other] for one, other in pairwise(ordered))


@pytest.mark.statistical  # the share of 2,000 sets with any claim is at most 5%, and its bound six standard errors more
def test_where_nothing_does_anything_something_is_claimed_in_at_most_a_twentieth_of_cases():
    random = np.random.default_rng(0)
    truth, claims = truth_of(), 0
    for _ in range(2000):
        # folds that share training rows: their errors have a common part, as Nadeau & Bengio's correction supposes
        common = random.normal(size=(4, 1)) * np.sqrt(0.2)
        noise = 0.02 * (common + random.normal(size=(4, SPLITS)) * np.sqrt(0.8))
        without = {name: trial_of(BASE + noise[place]) for place, name in enumerate(("dropout", "l2", "l1", "mixup"))}
        claims += any(effect.verdict != UNCLEAR for effect in effects(truth, trial_of(BASE), without))
    assert claims / 2000 < 0.05 + 6 * np.sqrt(0.05 * 0.95 / 2000)


def search_of(count, loss, seed=0):
    random = np.random.default_rng(seed)
    trials = []
    for number in range(count):
        config = Config(
            dropout=float(random.uniform(0.05, 0.5) * (random.random() < 0.5)),
            l1=float(10 ** random.uniform(-3, -1) * (random.random() < 0.5)),
            l2=0.1,
        )
        trials.append(trial_of(np.full(SPLITS, loss(config, random)), config=config, number=number))
    return trials


def test_a_search_leans_to_what_lowers_its_losses():
    found = leaning(search_of(80, lambda config, random: -config.dropout + 0.05 * random.normal()))
    assert [lean.name for lean in found] == ["dropout", "l1"]  # l2 was the same in all
    assert found[0].importance > 2 * found[1].importance
    assert found[0].among_best > 0.9 > found[0].among_all
    assert all(0 <= lean.among_all <= 1 for lean in found)


def test_a_search_that_avoids_a_regulariser_is_as_important_as_one_that_wants_it():
    found = {lean.name: lean for lean in leaning(search_of(80, lambda config, _: float(config.l1 > 0)))}
    assert found["l1"].importance > found["dropout"].importance
    assert found["l1"].among_best == 0


def test_few_trials_and_losses_that_are_no_numbers_say_nothing():
    assert leaning(search_of(FEWEST - 1, lambda config, _: config.l1)) == ()
    assert leaning(search_of(40, lambda *_: float("nan"))) == ()


def test_a_ranking_knows_how_it_was_made():
    (effect,) = effects(truth_of(), trial_of(BASE), {"l1": trial_of(BASE)})
    leant = leaning(search_of(40, lambda config, _: config.l1))
    assert Ranking().method == NONE
    assert Ranking(leaning=leant).method == SEARCH
    assert Ranking(effects=(effect,), leaning=leant).method == ABLATION
