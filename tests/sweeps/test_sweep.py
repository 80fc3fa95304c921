import pytest

from evenfit.errors import SweepError
from evenfit.sweeps.sweep import make_sweep

ENDLESS = {"distribution": "q_uniform", "min": 0, "max": 1, "q": 5e-324}
GOOD = {"method": "random", "program": "a.py", "parameters": {"x": {"min": 0.0, "max": 1.0}}, "metric": {"name": "m"}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metod": "x"}, "did you mean 'method'"),
        ({"seed": 1}, "unknown key 'seed'"),
        ({"scheduler": {"engine": "ax"}}, "scheduler.engine cannot be honoured"),
        ({"scheduler": {"engine": "optuna"}}, "needs method custom"),
        ({"method": "custom"}, "needs scheduler with engine: optuna"),
        ({"method": "custom", "scheduler": {"engine": "optuna", "source": "a.py"}}, "scheduler.source cannot be"),
        ({"metrics": [{"name": "a"}, {"name": "b"}]}, "metrics cannot be honoured"),
        ({"job": "x"}, "job cannot be honoured"),
        ({"image_uri": "x"}, "image_uri cannot be honoured"),
        ({"tune": {}}, "unknown key 'tune'"),
        (
            {"parameters": {"x": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 5e-324}}, "method": "grid"},
            "infinite",
        ),
        ({"method": "gird"}, "method must be one of"),
        ({"run_cap": 0}, "run_cap"),
        ({"run_cap": True}, "run_cap"),
        ({"parameters": {}}, "at least one parameter"),
        ({"parameters": {"x": {"min": 2, "max": 1}}}, "min must be below max"),
        ({"parameters": {"x": {"min": "1e-5", "max": 1}}}, "min must be a finite number"),
        ({"parameters": {"x": {"valeus": [1]}}}, "needs value"),
        ({"parameters": {"x": {"values": [1, 2], "probabilities": [0.5, 0.4]}}}, "sum to 1, got 0.9"),
        ({"parameters": {"x": {"values": [1, 2], "probabilities": [1]}}}, "2 values and 1 probabilities"),
        ({"parameters": {"x": {"distribution": "unifrom", "min": 0, "max": 1}}}, "did you mean 'uniform'"),
        ({"parameters": {"x": {"min": 0, "max": float("inf")}}}, "finite"),
        ({"method": "grid"}, "a grid cannot hold x"),
        ({"early_terminate": {"type": "hyperband", "max_iter": 27, "min_iter": 3}}, "needs s"),
        ({"early_terminate": {"type": "hyperband"}}, "needs min_iter"),
        ({"early_terminate": {"type": "hyperband", "max_iter": 2, "s": 2}}, "has no band"),
        ({"metric": {"name": "m", "gaol": "minimize"}}, "did you mean 'goal'"),
        ({"metric": None, "method": "bayes"}, "needs metric.name"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(change, message):
    with pytest.raises(SweepError, match=message):
        make_sweep(GOOD | change)


def test_ten_thousand_values_are_a_grid():
    sweep = make_sweep(GOOD | {"method": "grid", "parameters": {"x": {"values": list(range(10_000))}}})
    assert sweep.parameters["x",].size == 10_000


@pytest.mark.parametrize(("metric", "warned"), [("train_loss", True), ("loss", True), ("val_loss", False)])
def test_a_training_metric_with_a_regulariser_is_warned_of(metric, warned):
    sweep = make_sweep(GOOD | {"metric": {"name": metric}, "parameters": {"dropout": {"min": 0.0, "max": 0.5}}})
    assert bool(sweep.warnings) == warned
