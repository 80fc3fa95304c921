"""How often a majority is wrong, from subsets of few votes."""

from itertools import combinations

import numpy as np
import pytest

from evenfit.results.decomposition.majority import pseudo_values, sizes, weights


def by_hand(votes, best, classes, size):
    """How often the majority of a subset of one row's votes is not the class in question, the lowest of equals."""
    wrong = [
        np.argmax(np.bincount(votes[list(each)], minlength=classes)) != best
        for each in combinations(range(len(votes)), size)
    ]
    return np.mean(wrong)


@pytest.mark.parametrize("replicates", [2, 3, 4, 5, 8, 11])
def test_the_mean_of_pseudo_values_is_had_from_all_subsets(replicates):
    rng = np.random.default_rng(replicates)
    votes, best = rng.integers(0, 2, (replicates, 30)), rng.integers(0, 2, 30)
    pseudo, _ = pseudo_values(votes, np.ones(votes.shape, bool), best, classes=2)
    for row in range(30):
        expected = sum(weight * by_hand(votes[:, row], best[row], 2, size) for size, weight, _ in weights(replicates))
        assert pseudo[:, row].mean() == pytest.approx(expected, abs=1e-10)


def test_a_third_class_that_no_one_near_the_lead_votes_for_changes_nothing_but_the_count():
    votes = np.array([[0, 0, 0, 1, 1, 2, 0]]).T
    pseudo, _ = pseudo_values(votes, np.ones(votes.shape, bool), np.array([0]), classes=3)
    expected = sum(weight * by_hand(votes[:, 0], 0, 3, size) for size, weight, _ in weights(7))
    assert pseudo.mean() == pytest.approx(expected, abs=0.2)


def test_the_excess_of_a_majority_near_the_boundary_is_taken_off():
    # The share of votes for class 1 crosses a half at the row where class 1 becomes the likeliest: bias is 0.
    share = np.linspace(0, 1, 2001)
    best = (share > 0.5).astype(int)
    for replicates in (20, 50):
        rng = np.random.default_rng(0)
        votes = (rng.random((replicates, 2001)) < share).astype(int)
        plain = ((votes.mean(axis=0) > 0.5) != best).mean()
        pseudo, lean = pseudo_values(votes, np.ones(votes.shape, bool), best, classes=2)
        assert abs(pseudo.mean()) < 0.6 * plain
        assert lean.mean() > 0  # an excess of 1 / m would take less off


@pytest.mark.parametrize("votes", range(2, 200))
def test_subsets_are_smaller_than_the_whole_and_weights_sum_to_one(votes):
    small, large = sizes(votes)
    assert 1 <= small <= large < votes
    assert sum(weight for _, weight, _ in weights(votes)) == pytest.approx(1)
    assert sum(lean for _, _, lean in weights(votes)) == pytest.approx(0)
