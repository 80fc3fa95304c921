"""Points of a sweep: in order, compared where they can be, and drawn."""

import json
import subprocess
import sys

import numpy as np
import pytest

from evenfit.results.decomposition.decompose import decompose
from evenfit.results.decomposition.sweep import make_sweep


def point(level, *, failed=(), seed=0, noise=None):
    """A point whose variance is the level squared."""
    rng = np.random.default_rng(seed)
    predictions = level * rng.normal(size=(12, 1, 60, 1))
    predictions[list(failed)] = np.nan
    return decompose(predictions, np.zeros(60), loss="squared", classification=False, noise=noise)


LEVELS = {2: 0.5, 8: 3.0, 32: 1.0, 4: 1.0}


def test_numbers_are_put_in_order_and_words_are_left():
    sweep = make_sweep("width", list(LEVELS), [point(level) for level in LEVELS.values()])
    assert sweep.values == (2, 4, 8, 32)
    assert [round(each.variance.corrected.mean**0.5) for each in sweep.points] == [0, 1, 3, 1]
    words = make_sweep("kernel", ["rbf", "linear"], [point(1.0), point(2.0)])
    assert words.values == ("rbf", "linear")


def test_a_variance_that_rises_and_falls_is_named_with_its_numbers():
    sweep = make_sweep("width", list(LEVELS), [point(level, seed=seed) for seed, level in enumerate(LEVELS.values())])
    assert sweep.variance_shape.kind == "peak"
    assert sweep.sentences[1].startswith("unimodal: the variance is 0.2")
    assert "at width 8" in sweep.sentences[1]
    values = json.loads(json.dumps(sweep.to_json(), allow_nan=False))
    assert values["shapes"]["variance"]["peak"] == 8
    assert values["values"] == [2, 4, 8, 32]


def test_points_are_compared_by_the_replicates_that_all_of_them_have():
    points = [point(level, failed=[place], seed=place) for place, level in enumerate(LEVELS.values())]
    sweep = make_sweep("width", list(LEVELS), points)
    assert sweep.variance_shape.kind == "peak"
    alone = [point(level, failed=set(range(12)) - {place, place + 1}) for place, level in enumerate(LEVELS.values())]
    assert make_sweep("width", list(LEVELS), alone).variance_shape.kind == "none"


@pytest.mark.parametrize(
    ("values", "scale"), [([1, 2, 3], "linear"), ([1, 10, 100], "log"), (["a", "b", "c"], "linear")]
)
def test_parts_are_stacked_up_to_the_loss(values, scale):
    sweep = make_sweep("strength", values, [point(1.0, noise=0.0, seed=seed) for seed in range(3)])
    axes = sweep.plot()
    assert axes.get_xscale() == scale
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["noise", "bias²", "variance", "loss"]
    tops = axes.collections[2].get_paths()[0].vertices[:, 1].max()
    assert tops == pytest.approx(max(each.loss.corrected.mean for each in sweep.points))


def test_parts_are_drawn_on_axes_that_are_given():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert point(1.0).plot(ax=axes) is axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["loss", "bias² and noise", "variance"]


def test_values_load_without_matplotlib():
    code = (
        "import sys, evenfit.results.decomposition.sweep, evenfit.results.decomposition.decompose; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "torch", "sklearn", "polars", "numba"} & set(loaded)
