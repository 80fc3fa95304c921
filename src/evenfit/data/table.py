"""A table understood: which columns the network sees, as what, and what it is to predict."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import polars as pl

from evenfit.data.cells import times
from evenfit.data.columns import Column
from evenfit.data.kinds import find_kind
from evenfit.data.schema import LeftOut, Schema, Table, read_time, require
from evenfit.data.targets import Target, find_target, present
from evenfit.errors import DataError

__all__ = ["Column", "LeftOut", "Schema", "Table", "Target", "describe", "understand"]


def understand(
    frame: pl.DataFrame,
    *,
    target: str,
    task: str | None = None,
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    group: str | None = None,
    time: str | None = None,
    weight: str | None = None,
) -> Table:
    """Find out what the columns are, and read them.

    Rows without a target, or without a time where one is asked for, are left out and counted. The columns of groups
    and weights are no inputs; of the time, a date's month, weekday and hour are.

    Args:
        frame: the whole table; `sources.read` and `frames.to_polars` give it.
        target: the column to predict.
        task: "classification" or "regression"; None finds it.
        categorical: columns to take as categories, whatever they hold.
        drop: columns to leave out.
        group: the column whose equal values must never be on both sides of a split.
        time: the column that orders the rows.
        weight: the column of the rows' weights.

    Raises:
        DataError: a named column is not there or has two roles, the target is constant, or nothing is left to learn
            from.

    >>> frame = pl.DataFrame({"size": [1.5, 2.5, None], "kind": ["a", "b", "a"], "sold": ["yes", "no", "no"]})
    >>> describe(understand(frame, target="sold"))
    "binary classification of 'sold' (no 67%, yes 33%): 3 rows, 2 columns (1 numeric, 1 categorical)"
    """
    _check_roles(frame, target=target, group=group, time=time, weight=weight, drop=drop, categorical=categorical)
    whole = len(frame)
    frame, notes = _complete(frame, target, time)
    found_target = find_target(frame[target], task)
    roles = {group: "groups the rows", weight: "weighs the rows"} | dict.fromkeys(drop, "dropped, as asked")
    if time is not None and frame[time].dtype.is_numeric():
        roles[time] = "orders the rows"
    left_out = [LeftOut(name=name, reason=roles[name]) for name in frame.columns if name in roles]
    others = [series for series in frame.drop(target) if series.name not in roles]
    found = [find_kind(series, categorical=series.name in categorical, trend=series.name != time) for series in others]
    if all(isinstance(one.column, LeftOut) for one in found):
        # A table of nothing but a count and a target is a curve: then the count is what there is to learn from.
        found = [find_kind(series, categorical=False, trend=series.name != time, counts=True) for series in others]
    columns = [one.column for one in found if isinstance(one.column, Column)]
    left_out += [one.column for one in found if isinstance(one.column, LeftOut)]
    notes += [note for one in found for note in one.notes]
    if not columns:
        reasons = "; ".join(f"{left.name} ({left.reason})" for left in left_out)
        raise DataError(f"there must be a column to learn from; none is left: {reasons}")
    schema = Schema(
        columns=tuple(columns), left_out=tuple(left_out), target=found_target, group=group, time=time, weight=weight
    )
    table = schema.apply(frame, with_target=True)
    if task is None and len(found_target.classes) > 2 and not isinstance(found_target.classes[0], str):
        notes.append(
            f"target {target!r}: {len(found_target.classes)} whole numbers, taken as classes; "
            "the task 'regression' takes them as a quantity"
        )
    return replace(table, rows_left_out=whole - len(frame), notes=(*notes, *_rare_classes(table)))


def describe(table: Table) -> str:
    """One line: the task, the rows, the columns by kind, what was left out and why."""
    schema = table.schema
    kinds = Counter(column.kind for column in schema.columns)
    by_kind = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    parts = [f"{times(table.rows, 'row')}, {times(len(schema.columns), 'column')} ({by_kind})"]
    if table.rows_left_out:
        wanted = "a target or time" if schema.time else "a target"
        parts.append(f"{times(table.rows_left_out, 'row')} left out, without {wanted}")
    if schema.left_out:
        parts.append("left out: " + ", ".join(_reasons(schema)))
    return f"{_task(table)}: " + "; ".join(parts)


def _reasons(schema: Schema) -> list[str]:
    """The columns left out, those of one reason together."""
    alike: dict[str, list[LeftOut]] = {}
    for left in schema.left_out:
        alike.setdefault(left.reason.partition(":")[0], []).append(left)
    reasons = []
    for reason, lefts in alike.items():
        names = ", ".join(left.name for left in lefts[:3]) + (", ..." if len(lefts) > 3 else "")
        reasons.append(f"{names} ({lefts[0].reason})" if len(lefts) == 1 else f"{len(lefts)} {reason} ({names})")
    return reasons


def _task(table: Table) -> str:
    target = table.schema.target
    if target is None or table.target is None:
        return "rows to predict"
    if target.task == "regression":
        low, middle, high = _apart(np.quantile(table.target, [0, 0.5, 1]))
        return f"regression of {target.name!r} ({low} to {high}, median {middle})"
    shares = np.bincount(table.target, minlength=len(target.classes)) / table.rows
    if target.task == "binary":
        classes = ", ".join(f"{name} {_percent(share)}" for name, share in zip(target.classes, shares, strict=True))
        return f"binary classification of {target.name!r} ({classes})"
    return (
        f"classification of {target.name!r} ({len(target.classes)} classes, "
        f"of {_percent(shares.min())} to {_percent(shares.max())} of the rows)"
    )


def _apart(values: np.ndarray) -> list[str]:
    """Numbers to four digits, or to as many as tell those that differ apart."""
    distinct = len(set(values))
    for digits in range(4, 17):
        shown = [f"{value:.{digits}g}" for value in values]
        if len(set(shown)) == distinct:
            break
    return shown


def _percent(share: float) -> str:
    return f"{share:.0%}" if 0.01 <= share <= 0.99 else f"{share:.2%}"


def _complete(frame: pl.DataFrame, target: str, time: str | None) -> tuple[pl.DataFrame, list[str]]:
    """The rows that have a target, and a time if one is asked for; and what is said of the others."""
    kept = present(frame[target])
    notes = []
    if not kept.all():
        notes.append(f"{times(int((~kept).sum()), 'row')} left out, without a value in target {target!r}")
    if time is not None:
        timed = ~np.isnan(read_time(frame[time]))
        if not timed[kept].all():
            notes.append(f"{times(int((kept & ~timed).sum()), 'row')} left out, without a value in time {time!r}")
        kept &= timed
    if not kept.any():
        raise DataError(f"target {target!r} must have values; all {times(len(frame), 'row')} lack one")
    return (frame if kept.all() else frame.filter(pl.Series(kept))), notes


def _rare_classes(table: Table) -> tuple[str, ...]:
    target = table.schema.target
    if target is None or target.task == "regression" or table.target is None:
        return ()
    counts = np.bincount(table.target, minlength=len(target.classes))
    alone = [str(name) for name, count in zip(target.classes, counts, strict=True) if count == 1]
    if not alone:
        return ()
    return (
        f"target {target.name!r}: {', '.join(alone[:5])}{', ...' if len(alone) > 5 else ''} "
        f"{'has a single row: it is' if len(alone) == 1 else 'have a single row each: they are'} "
        "kept, and validated by networks that never saw the class",
    )


def _check_roles(
    frame: pl.DataFrame,
    *,
    target: str,
    group: str | None,
    time: str | None,
    weight: str | None,
    drop: Collection[str],
    categorical: Collection[str],
) -> None:
    require(target, frame.columns, "the table lacks the target")
    if frame.is_empty():
        raise DataError("a table must have rows; it has a header only")
    roles = {"target": target, "group": group, "time": time, "weight": weight}
    taken: dict[str, str] = {}
    for role, name in roles.items():
        if name is None:
            continue
        require(name, frame.columns, f"the table lacks the {role} column")
        if name in taken:
            raise DataError(f"column {name!r} must have one role, got {taken[name]} and {role}")
        taken[name] = role
    for name in drop:
        require(name, frame.columns, "the table lacks the column to drop,")
        if name in taken:
            raise DataError(f"column {name!r} must have one role, got {taken[name]} and drop")
    for name in categorical:
        require(name, frame.columns, "the table lacks the categorical column")
    if len(frame.columns) == 1:
        raise DataError(
            f"a table must have the target and at least one more column; it has {frame.columns[0]!r} alone "
            "(is the delimiter wrong?)"
        )
