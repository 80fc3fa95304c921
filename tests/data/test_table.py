"""Tables understood: kinds, roles, what is left out, and what new rows must bring."""

import datetime
import json
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import frames

from evenfit.data import targets
from evenfit.data.encodings import fit_encoding
from evenfit.data.table import Column, LeftOut, Schema, describe, understand
from evenfit.errors import ConfigError, DataError

ROWS = 40
NUMBERS = [number * 1.5 for number in range(ROWS)]
TARGET = ["yes", "no"] * (ROWS // 2)
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(days=9 * row) for row in range(ROWS)]


def moment(*parts):
    return datetime.datetime(*parts, tzinfo=datetime.UTC).replace(tzinfo=None)


def table_of(target=TARGET, **columns):
    options = columns.pop("options", {})
    return understand(pl.DataFrame({**columns, "target": target}, strict=False), target="target", **options)


def kind_of(cells, **options):
    table = table_of(anchor=NUMBERS, column=cells, options=options)
    schema = table.schema
    found = [column for column in (*schema.columns, *schema.left_out) if column.name == "column"]
    assert len(found) == 1
    return found[0], table


@pytest.mark.parametrize(
    ("cells", "kind", "levels"),
    [
        (NUMBERS, "numeric", ()),
        ([str(number) for number in NUMBERS], "numeric", ()),
        ([row % 5 for row in range(ROWS)], "numeric", ()),
        (["a", "b"] * 20, "categorical", ("a", "b")),
        (["a", None] * 20, "categorical", ("a",)),
        ([7.0, None] * 20, "categorical", ("7",)),
        (["🎉", "🎈"] * 20, "categorical", ("🎈", "🎉")),
        (["0123", "0456"] * 20, "categorical", ("0123", "0456")),
        (["1", "2", "3+", "2"] * 10, "categorical", ("1", "2", "3+")),
        ([True, False] * 20, "boolean", ("false", "true")),
        (["Yes", "No", None, "No"] * 10, "boolean", ("no", "yes")),
        (["t", "f"] * 20, "boolean", ("f", "t")),
        (DAYS, "date", ()),
    ],
)
def test_kinds_are_found(cells, kind, levels):
    column, table = kind_of(cells)
    assert isinstance(column, Column)
    assert (column.kind, column.levels) == (kind, levels)
    assert column.missing == (None in cells)
    assert table.rows == ROWS


def test_integers_are_categories_only_when_asked():
    cells = [10, 9, 2, 1] * 10
    assert kind_of(cells)[0].kind == "numeric"
    column, table = kind_of(cells, categorical=["column"])
    assert (column.kind, column.levels) == ("categorical", ("1", "2", "9", "10"))
    assert table.codes[:4, 0].tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([None] * ROWS, "every cell is missing"),
        (["NA", ""] * (ROWS // 2), "every cell is missing"),
        (["x"] * ROWS, "constant: every cell is 'x'"),
        ([3] * ROWS, "constant: every cell is 3"),
        ([float("inf")] * ROWS, "every cell is missing or infinite"),
        (list(range(1, ROWS + 1)), "identifier: it counts the rows"),
        ([row * 37 % ROWS + 5 for row in range(ROWS)], "identifier: it counts the rows"),
        ([f"customer {row}" for row in range(ROWS)], "identifier or free text: nearly every row has its own value"),
        ([[1]] * ROWS, "cells are neither numbers, words nor dates but List(Int64)"),
    ],
)
def test_columns_that_say_nothing_are_left_out_with_a_reason(cells, reason):
    assert kind_of(cells)[0] == LeftOut(name="column", reason=reason)


def test_whole_numbers_that_all_differ_are_left_out_where_their_name_says_identifier():
    numbers = [row * 977 % 10007 for row in range(ROWS)]
    for name in ("id", "user_id", "userId", "ID", "row index"):
        assert table_of(anchor=NUMBERS, **{name: numbers}).schema.left_out[0].name == name
    for name in ("paid", "humid", "width", "grid"):
        assert table_of(anchor=NUMBERS, **{name: numbers}).schema.left_out == ()


def test_a_count_is_kept_where_nothing_else_is_left():
    table = table_of(x=list(range(ROWS)))
    assert [column.name for column in table.schema.columns] == ["x"]


def test_few_rows_have_no_identifiers():
    table = understand(pl.DataFrame({"x": [1, 2, 3, 4], "word": list("abcd"), "y": [0, 1, 0, 1]}), target="y")
    assert [column.name for column in table.schema.columns] == ["x", "word"]


def test_bad_cells_among_numbers_are_missing_and_said():
    cells = [str(number) for number in NUMBERS]
    cells[3], cells[4] = "broken", "n.a."
    column, table = kind_of(cells)
    assert (column.kind, column.mixed, column.missing) == ("numeric", True, True)
    assert np.flatnonzero(np.isnan(table.numeric[:, 1])).tolist() == [3, 4]
    assert table.notes == ("column: 2 cells of text among numbers, such as 'broken', taken as missing",)
    again = table.schema.apply(pl.DataFrame({"anchor": [1.5], "column": ["other"]}))
    assert np.isnan(again.numeric[0, 1])


def test_half_words_and_half_numbers_are_categories():
    column, table = kind_of([*map(str, NUMBERS[:22]), *["none", "few"] * 9])
    assert column.kind == "categorical"
    assert "column: mixes numbers and text, such as 'none'; taken as categories" in table.notes


def test_weights_of_zero_alone_are_refused():
    with pytest.raises(DataError, match="at least one weight must be above 0; column 'w' has only zeros"):
        table_of(x=NUMBERS, w=[0] * ROWS, options={"weight": "w"})


def test_infinite_and_huge_numbers_are_missing_and_said():
    cells = [*NUMBERS[3:], float("inf"), 1e300, -float("inf")]
    column, table = kind_of(cells)
    assert column.missing
    assert np.isnan(table.numeric[-3:, 1]).all()
    assert table.notes == ("column: 3 infinite or huge cells (beyond 1e30) taken as missing",)


def test_categories_of_a_single_row_count_as_missing_where_there_are_many():
    cells = [f"level {row % 12}" for row in range(36)] + ["one", "two", "three", "four"]
    column, table = kind_of(cells)
    assert len(column.levels) == 12
    assert table.codes[-4:, 0].tolist() == [-1] * 4
    assert "column: 4 categories of a single row taken as missing" in table.notes


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ("%Y-%m-%d", 6),
        ("%d.%m.%Y", 6),
        ("%m/%d/%Y", 6),
        ("%d/%m/%Y", 6),
        ("%d-%b-%Y", 6),
        ("%B %d, %Y", 6),
        ("%Y%m%d", 6),
        ("%Y-%m-%d %H:%M:%S", 8),
        ("%Y-%m-%dT%H:%M:%SZ", 8),
        ("%m/%d/%Y %I:%M %p", 8),
        ("%d/%m/%y", 6),
        ("%m/%d/%y", 6),
        ("%Y-%m-%d %H:%M:%S UTC", 8),
        ("%A, %d %B %Y", 6),
        ("%a, %d %b %Y %H:%M:%S +0000", 8),
    ],
)
def test_dates_are_found_in_their_common_forms_and_expanded(form, parts):
    moments = [moment(2024, 1, 1) + datetime.timedelta(days=19 * row, hours=row) for row in range(ROWS)]
    column, table = kind_of([when.strftime(form) for when in moments])
    assert column.kind == "date"
    assert len(column.parts) == parts
    values = dict(zip(column.parts, table.numeric[:, 1:].T, strict=True))
    days = [(when - moment(2000, 1, 1)).days for when in moments]
    assert np.floor(values["days"]).tolist() == days
    assert values["year"].tolist() == [when.year for when in moments]
    angle = 2 * np.pi * (np.array([when.month for when in moments]) - 1) / 12
    np.testing.assert_allclose(values["month_sin"], np.sin(angle), atol=1e-9)
    angle = 2 * np.pi * np.array([when.weekday() for when in moments]) / 7
    np.testing.assert_allclose(values["weekday_cos"], np.cos(angle), atol=1e-9)


def test_years_are_not_taken_from_days_or_from_dashes():
    cells = [f"{row % 12 + 1:02}/{row % 11 + 1:02}/{row % 20 + 1:02}" for row in range(ROWS)]
    assert kind_of(cells)[0].format in ("%m/%d/%y", "%d/%m/%y")
    column, table = kind_of(["Jan-21", "Feb-22", "Mar-23", "Apr-24"] * (ROWS // 4))
    assert column.format == "%b-%y"
    assert table.numeric[:4, 2].tolist() == [2021, 2022, 2023, 2024]


@pytest.mark.parametrize("zone", ["+05:30", "-0800", " +0200"])
def test_times_of_a_zone_are_taken_to_utc(zone):
    moments = [moment(2024, 1, 1) + datetime.timedelta(days=19 * row, hours=row) for row in range(ROWS)]
    column, table = kind_of([f"{when:%Y-%m-%d %H:%M:%S}{zone}" for when in moments])
    assert column.kind == "date"
    ahead = datetime.datetime.strptime(zone.strip(), "%z").utcoffset()
    wanted = [(when - ahead - moment(2000, 1, 1)) / datetime.timedelta(days=1) for when in moments]
    np.testing.assert_allclose(table.numeric[:, 1], wanted, rtol=1e-12)


@pytest.mark.parametrize("form", ["%H:%M:%S", "%H:%M", "%I:%M %p"])
def test_times_of_day_are_their_hours(form):
    moments = [moment(2024, 1, 1) + datetime.timedelta(minutes=37 * row) for row in range(ROWS)]
    column, table = kind_of([when.strftime(form) for when in moments])
    assert column.parts == ("days", "hour_sin", "hour_cos")
    angle = 2 * np.pi * np.array([when.hour + when.minute / 60 for when in moments]) / 24
    np.testing.assert_allclose(table.numeric[:, 2], np.sin(angle), atol=1e-9)


def test_dates_as_moments_have_hours_and_missing_ones_are_nan():
    moments = [moment(2024, 1, 1) + datetime.timedelta(hours=5 * row) for row in range(ROWS)]
    column, table = kind_of([None, *moments[1:]])
    assert "hour_sin" in column.parts
    assert column.missing
    assert np.isnan(table.numeric[0, 1:]).all()
    assert fit_encoding(table, np.arange(ROWS)).shape.features == 1 + len(column.parts) + 1


def test_bad_cells_among_dates_are_missing_and_said():
    cells = ["0000-00-00", *(str(day) for day in DAYS[1:])]
    column, table = kind_of(cells)
    assert (column.kind, column.mixed, column.missing) == ("date", True, True)
    assert np.isnan(table.numeric[0, 1:]).all()
    assert not np.isnan(table.numeric[1:]).any()
    assert table.notes == ("column: 1 cell among dates that are none, such as '0000-00-00', taken as missing",)


def test_of_very_many_categories_the_most_frequent_are_kept():
    cells = [f"level {row % 1200}" for row in range(2400)] + ["level 1199"] * 3
    column = understand(pl.DataFrame({"a": cells, "y": [0.5, 1.5, 2.0] * 801}), target="y").schema.columns[0]
    assert len(column.levels) == 1000
    assert "level 1199" in column.levels


def test_dates_that_could_be_swapped_are_said():
    cells = [f"{row % 12 + 1:02}/{row % 11 + 1:02}/20{row % 20 + 10}" for row in range(ROWS)]
    _, table = kind_of(cells)
    assert table.notes == ("column: dates could be read with day and month swapped; read as %m/%d/%Y",)


def test_the_time_orders_rows_and_only_its_cycles_are_inputs():
    frame = pl.DataFrame({"day": DAYS, "x": NUMBERS, "target": TARGET})
    table = understand(frame, target="target", time="day")
    assert (np.diff(table.time) > 0).all()
    day = table.schema.columns[0]
    assert day.parts == ("month_sin", "month_cos", "weekday_sin", "weekday_cos")
    table = understand(frame, target="target", time="x")
    assert table.time.tolist() == NUMBERS
    assert table.schema.left_out == (LeftOut(name="x", reason="orders the rows"),)


def test_groups_and_weights_are_read_and_are_no_inputs():
    frame = pl.DataFrame(
        {"x": NUMBERS, "who": ["a", "b", None, None] * 10, "w": [1, 0] * 20, "target": TARGET}, strict=False
    )
    table = understand(frame, target="target", group="who", weight="w")
    assert table.groups[:8].tolist() == [0, 1, 2, 3, 0, 1, 4, 5]  # a row without a group is a group of its own
    assert table.weights[:3].tolist() == [1, 0, 1]
    assert [left.name for left in table.schema.left_out] == ["who", "w"]


def test_rows_without_a_target_or_a_time_are_left_out_and_said():
    target = [None, "", *TARGET[2:]]
    frame = pl.DataFrame({"x": NUMBERS, "t": [*range(ROWS - 1), None], "target": target})
    table = understand(frame, target="target", time="t")
    assert (table.rows, table.rows_left_out) == (ROWS - 3, 3)
    assert table.notes == (
        "2 rows left out, without a value in target 'target'",
        "1 row left out, without a value in time 't'",
    )
    assert "3 rows left out, without a target or time" in describe(table)
    plain = describe(understand(frame.drop("t"), target="target"))
    assert "2 rows left out, without a target" in plain
    assert "or time" not in plain


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        (["no", "yes"] * 20, "binary", ("no", "yes")),
        (["-", "+"] * 20, "binary", ("+", "-")),
        ([True, False] * 20, "binary", (False, True)),
        ([0, 1] * 20, "binary", (0, 1)),
        ([1.0, 2.0, 3.0, None] * 10, "multiclass", (1, 2, 3)),
        ([1, 2, 3, 4] * 10, "multiclass", (1, 2, 3, 4)),
        (list(range(20)) * 2, "regression", ()),
        (NUMBERS, "regression", ()),
        ([0.5, 1.5] * 20, "regression", ()),
    ],
)
def test_the_task_is_found(target, task, classes):
    found = table_of(x=NUMBERS, target=target).schema.target
    assert (found.task, found.classes) == (task, classes)
    assert [type(name) for name in found.classes] == [type(name) for name in classes]


def test_the_task_may_be_given():
    assert table_of(x=NUMBERS, target=[1, 2] * 20, options={"task": "regression"}).target.dtype == np.float64
    assert table_of(x=NUMBERS, target=list(range(20)) * 2, options={"task": "classification"}).target.max() == 19
    assert table_of(x=NUMBERS, target=[0.5, 1.5] * 20, options={"task": "classification"}).schema.target.classes == (
        0.5,
        1.5,
    )


def test_a_class_of_one_row_is_kept_and_said():
    table = table_of(x=NUMBERS, target=["rare", *TARGET[1:]])
    assert table.rows == ROWS
    assert table.notes == (
        "target 'target': rare has a single row: it is kept, and validated by networks that never saw the class",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "Targte"}, "the table lacks the target 'Targte'; did you mean 'target'?"),
        (
            {"target": "price"},
            "the table lacks the target 'price'; its columns are 'x', 'word', 'target', 'same', 'none'",
        ),
        ({"target": "same"}, "target 'same' must take at least two values, got 'a' in all 40 rows"),
        ({"target": "none"}, "target 'none' must have values; all 40 rows lack one"),
        (
            {"target": "word", "task": "regression"},
            "target 'word' must hold numbers for a regression; row 1 has 'u'; correct it, or ask for the task "
            "'classification'",
        ),
        ({"drop": ["wrd"]}, "the table lacks the column to drop, 'wrd'; did you mean 'word'?"),
        (
            {"categorical": ["q"]},
            "the table lacks the categorical column 'q'; its columns are 'x', 'word', 'target', 'same'",
        ),
        ({"group": "g"}, "the table lacks the group column 'g'"),
        ({"weight": "target"}, "column 'target' must have one role, got target and weight"),
        ({"drop": ["target"]}, "column 'target' must have one role, got target and drop"),
        ({"weight": "word"}, "weights must be numbers from 0 to 1e30; column 'word' has 'u' in row 1"),
        ({"weight": "none"}, "weights must be numbers from 0 to 1e30; column 'none' has None in row 1"),
        ({"time": "word"}, "the time must be a date or a number; column 'word' has 'u' in row 1"),
        (
            {"drop": ["x", "word"]},
            "there must be a column to learn from; none is left: x (dropped, as asked); word (dropped, as asked); "
            "same (constant: every cell is 'a'); none (every cell is missing)",
        ),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(options, message):
    frame = pl.DataFrame(
        {"x": NUMBERS, "word": ["u", "v"] * 20, "target": TARGET, "same": ["a"] * ROWS, "none": [None] * ROWS}
    )
    with pytest.raises(DataError, match="^" + re.escape(message)) as caught:
        understand(frame, **{"target": "target", **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weight", [1e300, float("inf"), -1.0])
def test_weights_that_cannot_be_added_up_are_refused(weight):
    frame = pl.DataFrame({"x": NUMBERS, "target": TARGET, "heavy": [1.0, weight, *NUMBERS[2:]]})
    with pytest.raises(DataError, match=re.escape(f"column 'heavy' has {weight!r} in row 2")):
        understand(frame, target="target", weight="heavy")


def test_a_quantity_with_a_few_faults_is_not_taken_for_classes():
    cells = [*map(str, NUMBERS[1:]), "unclear"]
    with pytest.raises(DataError, match="1 cell of text among numbers, such as 'unclear'"):
        table_of(x=NUMBERS, target=cells)
    assert table_of(x=NUMBERS, target=["few", "many", "1"] * 13 + ["2"]).schema.target.task == "multiclass"


def test_classes_must_recur_and_fit_memory(monkeypatch):
    with pytest.raises(DataError, match="all 40 rows differ, as in an identifier or free text"):
        table_of(x=NUMBERS, target=[f"name {row}" for row in range(ROWS)])
    monkeypatch.setattr(targets, "MOST_PROBABILITIES", 399)
    with pytest.raises(DataError, match="10 classes in 40 rows, more than fit memory; join rare ones, 9 are possible"):
        table_of(x=NUMBERS, target=[f"class {row % 10}" for row in range(ROWS)])


def test_a_table_needs_rows_a_second_column_and_a_known_task():
    with pytest.raises(DataError, match="a table must have rows; it has a header only"):
        understand(pl.DataFrame({"x": [], "y": []}), target="y")
    with pytest.raises(DataError, match=r"it has 'y' alone \(is the delimiter wrong\?\)"):
        understand(pl.DataFrame({"y": [1, 2]}), target="y")
    with pytest.raises(ConfigError, match="task must be 'classification' or 'regression', got 'ranking'"):
        table_of(x=NUMBERS, options={"task": "ranking"})


SOLD = pl.DataFrame(
    {
        "size": NUMBERS,
        "word": ["a", "b", "c", None] * 10,
        "day": [str(day) for day in DAYS],
        "flag": ["yes", "no"] * 20,
        "id": list(range(ROWS)),
        "sold": [1.5, 2.5, 4.0, 8.5] * 10,
    }
)
SCHEMA = understand(SOLD, target="sold").schema


def test_new_rows_are_read_as_the_table_was_with_its_columns_in_any_order():
    table = understand(SOLD, target="sold")
    again = SCHEMA.apply(SOLD.select(reversed(SOLD.columns)), with_target=True)
    assert np.array_equal(again.numeric, table.numeric, equal_nan=True)
    assert np.array_equal(again.codes, table.codes)
    assert np.array_equal(again.target, table.target)
    assert SCHEMA.apply(SOLD.drop("sold", "id")).target is None
    one = SCHEMA.apply(SOLD.head(1))
    assert np.array_equal(one.numeric, table.numeric[:1])


def test_new_rows_in_another_dress_are_the_same():
    text = SOLD.with_columns(pl.all().cast(pl.String))
    typed = SOLD.with_columns(
        pl.col("day").str.to_date(), flag=pl.col("flag") == "yes", word=pl.col("word").cast(pl.Categorical)
    )
    for frame in (text, typed):
        assert np.array_equal(SCHEMA.apply(frame).numeric, SCHEMA.apply(SOLD).numeric)
        assert np.array_equal(SCHEMA.apply(frame).codes, SCHEMA.apply(SOLD).codes)


def test_extra_columns_and_unseen_categories_are_said():
    new = SOLD.with_columns(word=pl.lit("z"), extra=1, flag=pl.lit("maybe"))
    table = SCHEMA.apply(new)
    assert (table.codes == -1).all()
    assert table.notes == (
        "word: 40 cells of unseen categories, such as 'z'",
        "flag: 40 cells neither 'yes' nor 'no', such as 'maybe', taken as missing",
        "ignored, since training had no such columns: extra",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("size"), "the table lacks column 'size'; its columns are 'word', 'day', 'flag'"),
        (lambda frame: frame.rename({"size": "Size"}), "the table lacks column 'size'; did you mean 'Size'?"),
        (
            lambda frame: frame.with_columns(
                size=pl.when(pl.col("size") > 2).then(pl.lit("big")).otherwise(pl.lit("1"))
            ),
            "column 'size' must hold numbers, as in training; row 3 has 'big' (38 such cells); correct the cells or "
            "leave them empty",
        ),
        (
            lambda frame: frame.with_columns(size=pl.col("day").str.to_date()),
            "column 'size' must hold numbers, as in training; row 1 has '2024-01-01'",
        ),
        (
            lambda frame: frame.with_columns(day=pl.lit("soon")),
            "column 'day' must hold dates like %Y-%m-%d, as in training; row 1 has 'soon' (40 such cells)",
        ),
    ],
)
def test_new_rows_with_a_missing_or_retyped_column_are_refused(change, message):
    with pytest.raises(DataError, match="^" + re.escape(message)):
        SCHEMA.apply(change(SOLD))


def test_new_rows_without_a_target_are_left_out_where_it_is_asked_for():
    schema = table_of(x=NUMBERS).schema
    table = schema.apply(pl.DataFrame({"x": [1.5, 2.5, 3.5], "target": ["yes", None, "no"]}), with_target=True)
    assert table.numeric[:, 0].tolist() == [1.5, 3.5]
    assert table.rows_left_out == 1
    assert table.notes == ("1 row left out, without a value in the target",)
    with pytest.raises(DataError, match="target 'target' must have values; all 2 rows lack one"):
        schema.apply(pl.DataFrame({"x": [1.5, 2.5], "target": [None, None]}), with_target=True)


def test_targets_of_new_rows_must_be_known_classes():
    schema = table_of(x=NUMBERS).schema
    new = pl.DataFrame({"x": [1.5, 2.5], "target": ["yes", "perhaps"]})
    with pytest.raises(DataError, match="must be one of 'no', 'yes', the classes of training; row 2 has 'perhaps'"):
        schema.apply(new, with_target=True)
    with pytest.raises(DataError, match="the table lacks the target 'target'"):
        schema.apply(new.drop("target"), with_target=True)


@given(data=st.data(), task=st.sampled_from(["classification", "regression"]))
@settings(max_examples=40)
def test_a_schema_comes_out_of_json_equal_and_reads_the_same(data, task):
    frame = data.draw(frames(task=task))
    table = understand(frame, target="target")
    schema = Schema.from_json(json.loads(json.dumps(table.schema.to_json())))
    assert schema == table.schema
    again = schema.apply(frame, with_target=True)
    assert np.array_equal(again.numeric, table.numeric, equal_nan=True)
    assert np.array_equal(again.codes, table.codes)
    assert np.array_equal(again.target, table.target)
    assert len(schema.numeric) == table.numeric.shape[1]
    assert len(schema.categorical) == table.codes.shape[1]
    assert "\n" not in describe(table).replace("\\n", "")


@given(data=st.data())
@settings(max_examples=40)
def test_a_row_is_read_the_same_alone_as_among_others(data):
    frame = data.draw(frames(task="regression"))
    table = understand(frame, target="target")
    row = data.draw(st.integers(0, table.rows - 1))
    alone = table.schema.apply(frame[row : row + 1])
    assert np.array_equal(alone.numeric[0], table.numeric[row], equal_nan=True)
    assert np.array_equal(alone.codes[0], table.codes[row])


def test_the_description_says_task_rows_kinds_and_reasons():
    assert describe(understand(SOLD, target="sold")) == (
        "regression of 'sold' (1.5 to 8.5, median 3.25): 40 rows, 4 columns (1 numeric, 1 categorical, 1 date, "
        "1 boolean); left out: id (identifier: it counts the rows)"
    )
    table = table_of(x=NUMBERS, **{f"c{number}": [number] * ROWS for number in range(5)})
    assert describe(table).endswith("left out: 5 constant (c0, c1, c2, ...)")


def test_a_target_far_from_zero_is_described_to_the_digits_that_matter():
    table = table_of(x=NUMBERS, target=[1.7e9 + row for row in range(ROWS)])
    assert describe(table).startswith("regression of 'target' (1.7e+09 to 1.70000004e+09, median 1.70000002e+09)")
