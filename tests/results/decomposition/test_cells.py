"""The laws that every loss obeys when it is taken apart."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfit.results.decomposition.cells import LOSSES, Judged
from evenfit.results.logits import log_softmax

REPLICATES, ROWS, CLASSES = 6, 15, 3


def judged(loss, *, seed=0, seeds=1, missing=0.0, classes=CLASSES, replicates=REPLICATES, numbers=False):
    """Random predictions, some of them missing."""
    rng = np.random.default_rng(seed)
    shape = (replicates, seeds, ROWS, 1 if numbers else classes)
    predictions = rng.normal(size=shape) if numbers else log_softmax(3 * rng.normal(size=shape))
    gone = rng.random((replicates, ROWS)) < missing
    gone[:3] = False
    predictions[np.broadcast_to(gone[:, None], shape[:3])] = np.nan
    target = rng.normal(size=ROWS) if numbers else rng.integers(0, classes, ROWS)
    return Judged(predictions=predictions, target=target, classification=not numbers)


def some(judging, **changes):
    """The same rows, otherwise predicted."""
    kept = {"target": judging.target, "classification": judging.classification, "probabilities": judging.probabilities}
    return Judged(**(kept | {"predictions": judging.predictions} | changes))


def direct(loss, values):
    """The loss of each replicate on each row: [R, n], the mean over seeds."""
    predictions, target = values.predictions, values.target
    if not values.classification:
        return ((predictions[..., 0] - target) ** 2).mean(axis=1)
    one_hot = np.eye(predictions.shape[-1])[target]
    if loss == "squared":
        return ((np.exp(predictions) - one_hot) ** 2).sum(axis=3).mean(axis=1)
    if loss == "log":
        return -(predictions * one_hot).sum(axis=3).mean(axis=1)
    wrong = (predictions.argmax(axis=3) != target).mean(axis=1)
    return np.where(np.isnan(predictions).any(axis=(1, 3)), np.nan, wrong)


ALL = pytest.mark.parametrize("loss", LOSSES)


@ALL
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    seeds=st.integers(1, 3),
    missing=st.sampled_from([0.0, 0.4]),
    classes=st.integers(2, 4),
)
def test_parts_add_up_to_the_loss_and_variance_is_data_and_seed(loss, seed, seeds, missing, classes):
    cells = LOSSES[loss](judged(loss, seed=seed, seeds=seeds, missing=missing, classes=classes))
    for parts in (cells.plain, cells.pseudo):
        np.testing.assert_allclose(parts["bias_squared"] + parts["variance"], parts["loss"], atol=1e-10)
        if "seed" in parts:
            np.testing.assert_allclose(parts["data"] + parts["seed"], parts["variance"], atol=1e-10)


@ALL
@pytest.mark.parametrize("seeds", [1, 2])
def test_loss_is_the_mean_loss_of_the_replicates_that_judge(loss, seeds):
    values = judged(loss, seeds=seeds, missing=0.4)
    cells = LOSSES[loss](values)
    np.testing.assert_allclose(cells.plain["loss"], np.nanmean(direct(loss, values), axis=0), atol=1e-10)


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"domingos"}))
def test_pseudo_values_are_those_of_leaving_each_replicate_out(loss):
    values = judged(loss)
    whole = LOSSES[loss](values)
    for left_out in range(REPLICATES):
        without = LOSSES[loss](some(values, predictions=np.delete(values.predictions, left_out, axis=0)))
        for name, cells in whole.pseudo.items():
            expected = REPLICATES * whole.plain[name] - (REPLICATES - 1) * without.plain[name]
            np.testing.assert_allclose(cells[left_out], expected, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("numbers", [False, True])
def test_the_corrected_squared_parts_are_the_unbiased_ones(numbers):
    values = judged("squared", numbers=numbers)
    drawn = values.predictions if numbers else np.exp(values.predictions)
    cells = LOSSES["squared"](values)
    variance = drawn[:, 0].var(axis=0, ddof=1).sum(axis=1)
    np.testing.assert_allclose(cells.pseudo["variance"].mean(axis=0), variance, atol=1e-12)
    np.testing.assert_allclose(
        cells.pseudo["bias_squared"].mean(axis=0), cells.plain["bias_squared"] - variance / REPLICATES, atol=1e-12
    )


def test_the_corrected_kohavi_wolpert_parts_are_the_unbiased_ones():
    values = judged("zero-one")
    cells = LOSSES["zero-one"](values)
    shares = np.eye(CLASSES)[values.predictions[:, 0].argmax(axis=2)].mean(axis=0)
    correction = 0.5 * (shares * (1 - shares)).sum(axis=1) / (REPLICATES - 1)
    truth = np.eye(CLASSES)[values.target]
    plain = 0.5 * ((truth - shares) ** 2).sum(axis=1), 0.5 * (1 - (shares**2).sum(axis=1))
    np.testing.assert_allclose(cells.plain["bias_squared"], plain[0], atol=1e-12)
    np.testing.assert_allclose(cells.plain["variance"], plain[1], atol=1e-12)
    np.testing.assert_allclose(cells.pseudo["bias_squared"].mean(axis=0), plain[0] - correction, atol=1e-12)
    np.testing.assert_allclose(cells.pseudo["variance"].mean(axis=0), plain[1] + correction, atol=1e-12)


def test_the_seed_part_is_the_variance_within_and_data_that_of_means_without_it():
    values = judged("squared", numbers=True, seeds=4)
    drawn = values.predictions[..., 0]
    within = drawn.var(axis=1, ddof=1).mean(axis=0)
    cells = LOSSES["squared"](values)
    np.testing.assert_allclose(cells.pseudo["seed"].mean(axis=0), within, atol=1e-12)
    between = drawn.mean(axis=1).var(axis=0, ddof=1)
    np.testing.assert_allclose(cells.pseudo["data"].mean(axis=0), between - within / 4, atol=1e-12)


def test_the_seed_part_of_log_loss_is_corrected_by_leaving_each_seed_out():
    values = judged("log", seeds=4)
    own = LOSSES["log"](values).pseudo["seed"]
    for replicate in range(REPLICATES):
        seeds = values.predictions[replicate][:, None]  # seeds as replicates: their corrected variance
        expected = LOSSES["log"](some(values, predictions=seeds)).pseudo["variance"].mean(axis=0)
        np.testing.assert_allclose(own[replicate], expected, atol=1e-10)


def test_log_loss_has_the_bias_of_the_geometric_mean_and_the_mean_divergence_from_it():
    values = judged("log")
    log_p = values.predictions[:, 0]
    centre = log_softmax(log_p.mean(axis=0))
    cells = LOSSES["log"](values)
    np.testing.assert_allclose(cells.plain["bias_squared"], -centre[np.arange(ROWS), values.target], atol=1e-12)
    divergence = (np.exp(centre) * (centre - log_p)).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(cells.plain["variance"], divergence, atol=1e-12)


def test_domingos_variance_counts_against_where_the_main_prediction_is_wrong():
    votes = np.array([[0, 0, 2], [0, 0, 2], [0, 1, 1], [1, 2, 2]])  # [R, n]
    target = np.array([0, 1, 1])
    values = Judged(predictions=np.log(np.eye(3)[votes] * 0.98 + 0.01)[:, None], target=target, classification=True)
    cells = LOSSES["domingos"](values)
    np.testing.assert_array_equal(cells.plain["bias_squared"], [0, 1, 1])
    np.testing.assert_allclose(cells.plain["disagreement"], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(cells.plain["variance"], [0.25, -0.25, -0.25])


def test_ties_of_votes_go_to_the_lowest_class():
    values = Judged(
        predictions=np.log(np.array([[0.1, 0.9], [0.9, 0.1]]))[:, None, None], target=np.array([0]), classification=True
    )
    assert LOSSES["domingos"](values).plain["bias_squared"].tolist() == [0.0]


@ALL
@pytest.mark.parametrize(("missing", "seeds"), list(product([0.0, 0.4], [1, 2])))
def test_shuffling_replicates_changes_nothing(loss, missing, seeds):
    values = judged(loss, missing=missing, seeds=seeds)
    order = np.random.default_rng(3).permutation(REPLICATES)
    before = LOSSES[loss](values)
    after = LOSSES[loss](some(values, predictions=values.predictions[order]))
    for name, cells in before.pseudo.items():
        np.testing.assert_allclose(after.pseudo[name], cells[order], atol=1e-12)
        np.testing.assert_allclose(after.plain[name], before.plain[name], atol=1e-12)


@ALL
def test_replicates_that_all_predict_the_same_have_no_variance(loss):
    values = judged(loss)
    same = np.repeat(values.predictions[:1], REPLICATES, axis=0)
    cells = LOSSES[loss](some(values, predictions=same))
    for parts in (cells.plain, cells.pseudo):
        np.testing.assert_allclose(parts["variance"], 0, atol=1e-12)
        np.testing.assert_allclose(parts["bias_squared"], parts["loss"], atol=1e-12)


@ALL
def test_cells_that_are_not_judged_are_as_if_they_were_not_there(loss):
    values = judged(loss, missing=0.4, seed=5)
    cells = LOSSES[loss](values)
    for row in range(ROWS):
        there = cells.known[:, row]
        alone = LOSSES[loss](
            some(
                values, predictions=values.predictions[there][:, :, row : row + 1], target=values.target[row : row + 1]
            )
        )
        for name, pseudo in cells.pseudo.items():
            np.testing.assert_allclose(pseudo[there, row], alone.pseudo[name][:, 0], atol=1e-12)
            assert (pseudo[~there, row] == 0).all()


def test_impossible_classes_cost_much_and_not_everything():
    values = Judged(
        predictions=np.array([[-np.inf, 0.0], [-np.inf, 0.0]])[:, None, None], target=np.array([0]), classification=True
    )
    assert np.isfinite(LOSSES["log"](values).plain["loss"]).all()


def test_known_probabilities_take_the_noise_out_of_domingos_bias():
    values = judged("domingos", classes=2, seed=2)
    likeliest = np.array([[0.2, 0.8]] * ROWS)
    cells = LOSSES["domingos"](some(values, probabilities=likeliest))
    for parts in (cells.plain, cells.pseudo):
        whole = parts["bias_squared"] + parts["variance"] + parts["noise"]
        np.testing.assert_allclose(whole, parts["loss"], atol=1e-12)
    main = (values.predictions[:, 0].argmax(axis=2).mean(axis=0) > 0.5).astype(int)
    np.testing.assert_array_equal(cells.plain["bias_squared"], main != 1)
