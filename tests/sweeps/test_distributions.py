import math

import pytest

from evenfit.sweeps.parameters import parse_parameters

SPECS = [
    {"distribution": "normal"},
    {"distribution": "q_normal", "mu": 3, "sigma": 2},
    {"distribution": "log_normal", "sigma": 0.5},
    {"distribution": "q_log_normal"},
    {"distribution": "beta", "a": 2, "b": 3},
    {"distribution": "q_beta", "q": 0.1},
    {"min": 1, "max": 9},
    {"min": 0.5, "max": 1},
    {"distribution": "q_uniform", "min": 0.3, "max": 0.9, "q": 0.5},
    *({"distribution": f"{q}log_uniform", "min": -3, "max": 2} for q in ("", "q_", "inv_")),
    *({"distribution": f"{q}log_uniform_values", "min": 0.01, "max": 20} for q in ("", "q_", "inv_")),
    {"values": [0, False, "", None, [1], {"a": 1}]},
    {"values": [1, 2], "probabilities": [0.9, 0.1]},
    {"distribution": "constant", "value": 0},
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_values_rise_with_their_quantiles_and_lead_back_to_them(spec):
    known = parse_parameters({"x": spec})["x",]
    quantiles = [place / 40 for place in range(1, 40)]
    values = [known.at(quantile) for quantile in quantiles]
    back = [known.quantile(value) for value in values]
    assert all(0 <= each <= 1 for each in back)
    assert back == sorted(back)
    if known.q is None and not known.values and known.kind != "int_uniform":
        assert values == sorted(values)
        assert back == pytest.approx(quantiles)


def test_rounding_may_leave_the_bounds_as_in_wandb():
    known = parse_parameters({"x": SPECS[8]})["x",]
    assert {known.at(place / 100) for place in range(1, 100)} == {0.5, 1.0}


def test_an_inverse_logarithm_is_uniform_over_orders_of_magnitude():
    known = parse_parameters({"x": SPECS[14]})["x",]
    assert known.at(0.5) == pytest.approx(math.sqrt(0.01 * 20))


def test_falsy_values_have_places_of_their_own():
    known = parse_parameters({"x": {"values": [16, 0, False, ""]}})["x",]
    assert len({known.quantile(value) for value in known.values}) == 4
