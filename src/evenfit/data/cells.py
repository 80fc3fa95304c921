"""What the cells of a column say: missing, numbers, words.

Files and data frames bring the same value in many dresses ("1", 1, 1.0, " 1"); everything above this file sees one.
"""

import numpy as np
import polars as pl

# Always missing, whatever else the column holds.
MISSING = ("", "?", "NA", "na", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "NaT", "<NA>", "NULL", "Null", "null")
# Missing among numbers; a value of its own among words ("none" is an answer, "-" a class of some tables).
UNCLEAR = (
    *("-", "--", "---", ".", "..", "...", "n.a.", "N.A.", "na.", "None", "none", "NONE", "missing", "Missing"),
    *("unknown", "Unknown", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#REF!", "#NAME?"),
)
MIXED = 0.95  # share of numbers that makes a column of text one of numbers with bad cells
LARGEST = 1e30  # beyond it a number is a code for "none" or an overflow, and its square leaves float32

_SAMPLE = 1000
# Numbers with a currency, a percent sign, or commas between thousands; and what to take away from them.
_DRESSED = r"^[-+]?[$€£¥]?\s?[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?\s?[%$€£¥]?$"
_DRESS = r"[,$€£¥%\s]"


def tidy(series: pl.Series) -> pl.Series:
    """A column in its plain type: text that is all numbers becomes numbers, missing marks become nulls.

    Text with leading zeros ("00123") stays text, since such numbers are names. Other types come back as they are,
    except that categories become text and NaN becomes null.

    >>> tidy(pl.Series("a", ["1", "?", " 3"])).to_list()
    [1, None, 3]
    """
    if series.dtype.is_float():
        # numpy looks ten times as fast as polars fills, which matters where there are thousands of columns
        return series.fill_nan(None) if np.isnan(series.to_numpy()).any() else series
    if series.dtype == pl.Null:
        return series.cast(pl.Float64)
    if isinstance(series.dtype, (pl.Categorical, pl.Enum)):
        series = series.cast(pl.String)
    if series.dtype != pl.String:
        return series
    plain = _numbers_only(series)
    if plain is not None:
        return plain
    stripped = series.str.strip_chars()
    stripped = stripped.set(stripped.is_in(MISSING), None)
    plain = _numbers_only(stripped)
    if plain is not None:
        return plain
    if stripped.drop_nulls().head(_SAMPLE).str.contains(_DRESSED).all():
        plain = _numbers_only(stripped.str.replace_all(_DRESS, ""))
        if plain is not None:
            return plain
    if not looks_numeric(stripped):
        return stripped
    plain = _numbers_only(stripped.set(stripped.is_in(UNCLEAR), None))
    return stripped if plain is None else plain


def looks_numeric(text: pl.Series) -> bool:
    """Whether any of the first cells is a number."""
    sample = text.drop_nulls().head(_SAMPLE)
    return sample.cast(pl.Float64, strict=False).null_count() < len(sample)


def _numbers_only(text: pl.Series) -> pl.Series | None:
    """The column as whole numbers or floats; None where a cell is neither a number nor missing."""
    missing = text.null_count()
    if missing == len(text):
        return text.cast(pl.Float64)
    head = text.head(_SAMPLE)
    for dtype in (pl.Int64, pl.Float64):
        if head.cast(dtype, strict=False).null_count() > head.null_count():
            continue
        numbers = text.cast(dtype, strict=False)
        if numbers.null_count() > missing:
            continue
        if text.str.contains(r"^[+-]?0\d").any():
            return None
        return numbers.fill_nan(None) if dtype == pl.Float64 else numbers
    return None


def as_numbers(series: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Every cell as float64 (NaN where missing), and where a cell holds something that is no number.

    Infinities and numbers beyond 1e30 are kept; `without_extremes` deals with them.
    """
    if not series.dtype.is_numeric():
        series = tidy(series)
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        return _as_floats(series), np.zeros(len(series), dtype=bool)
    if series.dtype in (pl.Duration, pl.Time):
        return _as_floats(series.to_physical()), np.zeros(len(series), dtype=bool)
    missing = series.is_null()
    if series.dtype != pl.String:
        return np.full(len(series), np.nan), (~missing).to_numpy()
    numbers = series.cast(pl.Float64, strict=False)
    refused = numbers.is_null() & ~missing & ~series.is_in(UNCLEAR).fill_null(value=False)
    return _as_floats(numbers), refused.to_numpy()


def _as_floats(series: pl.Series) -> np.ndarray:
    """Every cell as float64, NaN where missing."""
    return series.cast(pl.Float64, strict=False).to_numpy().astype(np.float64)


def without_extremes(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The values with infinities and numbers beyond 1e30 as NaN, and how many those were."""
    with np.errstate(invalid="ignore"):
        extreme = np.abs(values) > LARGEST
    count = int(extreme.sum())
    return (np.where(extreme, np.nan, values) if count else values), count


def as_text(series: pl.Series) -> pl.Series:
    """Every cell as text, the same for 1, 1.0 and "1"; nulls where missing."""
    series = tidy(series)
    if series.dtype == pl.String:
        return series
    if series.dtype.is_float():
        whole = (series == series.floor()) & (series.abs() < 2**53)
        plain = series.cast(pl.String)
        return plain.zip_with(~whole.fill_null(value=False), series.cast(pl.Int64, strict=False).cast(pl.String))
    return series.cast(pl.String)


def first_row(where: np.ndarray) -> int:
    """The number of the first row that is marked, counted from 1 as a reader of the table does."""
    return int(np.flatnonzero(where)[0]) + 1


def times(count: int, word: str, plural: str = "") -> str:
    """A count with its noun.

    >>> times(1, "row"), times(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {word if count == 1 else plural or word + 's'}"
