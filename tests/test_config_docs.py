"""docs/config.md names every value of a config, with the default, range and prior that the code has."""

import math
import re
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from evenfit.data.encodings import InputShape
from evenfit.experiments.sizing import make_space
from evenfit.specs import config as known
from evenfit.specs.config import Config
from evenfit.specs.space import Choice

PAGE = (Path(__file__).parent.parent / "docs/config.md").read_text(encoding="utf-8")
ROWS = {
    name: cells
    for name, *cells in re.findall(
        r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ((?:[^|]|\\\|)*) \|$", PAGE, re.MULTILINE
    )
}
SPACE = make_space(
    Config(),
    costs=lambda _: 1.0,
    most_seconds=math.inf,
    shape=InputShape(numeric=4, features=4, cardinalities=()),
    inputs=known.INPUT_ENCODINGS,
    targets=known.TARGET_ENCODINGS,
    classification=True,
)
SIZES = ("epochs", "width", "depth", "batch_rows")  # the table and the budget say where a search looks


def default_of(name):
    value = getattr(Config(), name)
    if isinstance(value, str):
        return f"`{value}`"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def range_of(name):
    for each, low, high in known._INTEGERS:
        if each == name:
            return f"{low} to {high}"
    for each, low, high, closed in known._NUMBERS:
        if each == name and math.isinf(high):
            return "above 0" if name == "learning_rate" else "0 or more"
        if each == name:
            return f"{low:g} to {high:g}" if closed else f"{low:g} to below {high:g}"
    choices = known.CHOICES.get(name)
    return ", ".join(f"`{choice}`" for choice in choices) if choices else "true, false"


def prior_of(name):
    found = SPACE.values.get(name)
    if found is None:
        return "not searched"
    if isinstance(found, Choice):
        drawn = Counter(found.at(place / 300) for place in range(300))
        return ", ".join(f"{value} {100 * count / 300:.0f}%" for value, count in drawn.items())
    zero = f"; {100 * found.zero:.0f}% at 0" if found.zero else ""
    span = f"{found.low:g} to {found.high:g}{', log' if found.log else ''}" if found.low < found.high else "1"
    return span + zero


def test_every_value_has_a_row_and_every_row_a_value():
    assert sorted(ROWS) == sorted(field.name for field in fields(Config))


@pytest.mark.parametrize("name", sorted(field.name for field in fields(Config)))
def test_a_row_says_what_the_code_says(name):
    default, allowed, prior, meaning = ROWS[name]
    assert default == default_of(name)
    assert allowed == range_of(name)
    assert prior == ("around the default" if name in SIZES else prior_of(name))
    assert len(meaning) > 10
