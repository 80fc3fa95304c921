"""What hypothesis draws: tables as users bring them."""

import numpy as np
import polars as pl
from hypothesis import strategies as st

NAMES = st.text(alphabet="abcdefgh 😀éß_", min_size=1, max_size=6).map(str.strip).filter(bool)
NUMBERS = st.one_of(
    st.none(),
    st.integers(-5, 5).map(float),
    st.floats(-1e6, 1e6),
    st.floats(allow_nan=True, allow_infinity=True),  # whatever a float can be
)
WORDS = st.one_of(st.none(), st.sampled_from(["red", "green", "blue", "🎉", "NA", "a,b", 'say "x"', "-", "none", "7"]))
MANY_WORDS = st.one_of(st.none(), st.integers(0, 30).map(lambda number: f"level {number}"))
FLAGS = st.one_of(st.none(), st.booleans())
YES_NO = st.one_of(st.none(), st.sampled_from(["yes", "no"]))
DATES = st.one_of(st.none(), st.dates())
INTEGERS = st.one_of(st.none(), st.integers(-(2**62), 2**62))

CELLS = {
    "numbers": (NUMBERS, pl.Float64),
    "integers": (INTEGERS, pl.Int64),
    "words": (WORDS, pl.String),
    "many_words": (MANY_WORDS, pl.String),
    "flags": (FLAGS, pl.Boolean),
    "yes_no": (YES_NO, pl.String),
    "dates": (DATES, pl.Date),
}


@st.composite
def targets(draw: st.DrawFn, rows: int, task: str) -> np.ndarray:
    """A target of at least two values: floats for "regression", codes of classes for "classification"."""
    if task == "regression":
        values = draw(st.lists(st.floats(-1e9, 1e9), min_size=rows, max_size=rows))
        values[0], values[1] = 0.0, 1.5
        return np.array(values)
    codes = draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
    codes[0], codes[1] = 0, 1
    return np.unique(codes, return_inverse=True)[1]


@st.composite
def frames(draw: st.DrawFn, *, task: str, least: int = 4, most: int = 30) -> pl.DataFrame:
    """A frame of columns of all kinds, with the column "target" last; "anchor" is never left out."""
    rows = draw(st.integers(least, most))
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    columns = [pl.Series("anchor", np.arange(rows) % 3 * 1.5)]
    for name in names:
        cells, dtype = CELLS[draw(st.sampled_from(sorted(CELLS)))]
        columns.append(pl.Series(name, draw(st.lists(cells, min_size=rows, max_size=rows)), dtype=dtype))
    target = draw(targets(rows, task))
    if task == "classification":
        columns.append(pl.Series("target", [f"class {code}" for code in target]))
    else:
        columns.append(pl.Series("target", target))
    return pl.DataFrame(columns)
