"""Budgets as users write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import BudgetError
from evenfit.specs.budget import UNITS, Budget, budget_text

BUDGETS = st.builds(
    Budget,
    seconds=st.floats(1e-3, 1e6) | st.none(),
    trials=st.integers(1, 10**6) | st.none(),
    epochs=st.integers(1, 10**6),
)


@given(BUDGETS)
def test_a_budget_comes_back_from_its_text_and_its_json(budget):
    assert Budget.parse(budget_text(budget)) == budget
    assert Budget(**budget.to_json()) == budget


@given(BUDGETS, BUDGETS)
def test_an_extension_is_exact_or_refused(budget, more):
    if set(more.units) <= set(budget.units):
        found = budget.extended(more)
        assert found.units == budget.units
        for unit in UNITS:
            before, after = getattr(budget, unit), getattr(found, unit)
            assert after == (before if getattr(more, unit) is None else before + getattr(more, unit))
    else:
        with pytest.raises(BudgetError, match="can be extended by"):
            budget.extended(more)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5m, 200 trials, 3000 epochs", Budget(seconds=300.0, trials=200, epochs=3000)),
        ("200 trials or 1h", Budget(seconds=3600.0, trials=200)),
        ("+2000 epochs", Budget(epochs=2000)),
        ("1 epoch", Budget(epochs=1)),
    ],
)
def test_limits_have_commas_between_them_in_any_order(text, wanted):
    assert Budget.parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5m, 3m", "says seconds twice"),
        ("3 trials, 3 trials", "says trials twice"),
        ("0 epochs", "at least 1"),
        ("2.5 epochs", "whole number of epochs"),
        ("5m,", "got '5m,'"),
        ("", "got ''"),
        ("3 folds", "unit is not known"),
        ("1e999 epochs", "whole number of epochs"),
        ("-3 epochs", "got '-3 epochs'"),
    ],
)
def test_what_is_no_budget_is_refused_in_one_line(text, said):
    with pytest.raises(BudgetError, match=said) as error:
        Budget.parse(text)
    assert "\n" not in str(error.value)
