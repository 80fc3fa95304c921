"""Computation: from a table's columns to predictions, as a recipe says; the arithmetic of every format."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evenfit.data.cells import LARGEST
from evenfit.deploy.exporting import moments, ranks
from evenfit.deploy.exporting.activations import ACTIVATIONS
from evenfit.deploy.exporting.operations import FLOAT32, FLOAT64, INT64, Operations, Value
from evenfit.deploy.exporting.recipe import GRID_HIGH, GRID_LOW, GRID_POINTS, PartRecipe, Recipe
from evenfit.fleet.layout import SLOTS

_FURTHEST = 1e8  # of a robust number: its square must stay finite


def outputs(
    operations: Operations, recipe: Recipe, *, numbers: Sequence[Value], codes: Sequence[Value], precision: str
) -> Value:
    """Give probabilities ``[rows, classes]``, or numbers ``[rows, 1]`` in the target's own units, float64.

    Args:
        operations: how to calculate.
        recipe: what to calculate.
        numbers: of each column of numbers, float64 ``[rows, 1]``: booleans as 0 and 1, dates as seconds since 1970;
            NaN is missing.
        codes: of each category, int64 ``[rows]``, the position of each cell's level; below 0 is no known level.
        precision: of the networks, "float32" or "float64"; the recipe's tensors have it too.
    """
    slots = _slots(operations, recipe, numbers) if numbers else None
    places = [
        operations.where(operations.at_most(code, -1), code * 0 + len(column.levels), code)
        for column, code in zip(recipe.categories, codes, strict=True)
    ]  # of each category, its row in its tables: the last one where no level is known
    encoded = {
        choice: _encoded(operations, recipe, slots, places, choice=choice)
        for choice in sorted({part.encoding for part in recipe.parts})
    }
    total: Value = None
    for number, part in enumerate(recipe.parts):
        units = [operations.cast(block, precision) for block in encoded[part.encoding]]
        made = _network(operations, recipe, units, places, number=number)
        made = operations.softmax(made) if recipe.classes else _restored(operations, part, made, number=number)
        mean = operations.cast(operations.sum(made, axis=0), FLOAT64) * (part.share / part.splits)
        total = mean if total is None else total + mean
    return total


def _slots(operations: Operations, recipe: Recipe, numbers: Sequence[Value]) -> Value:
    """Give the numeric columns as a network's encodings know them, ``[rows, slots]``: a date becomes its parts."""
    slots = []
    for column, own in zip(recipe.numbers, numbers, strict=True):
        if column.kind == "date":
            missing = operations.is_missing(own)
            made = moments.parts(operations, operations.where(missing, 0.0, own), column.parts)
            slots += [operations.where(missing, float("nan"), part) for part in made]
        else:
            slots.append(own)
    together = operations.concat(slots, axis=1)
    return operations.where(operations.at_most(operations.absolute(together), LARGEST), together, float("nan"))


def _encoded(
    operations: Operations, recipe: Recipe, slots: Value | None, places: Sequence[Value], *, choice: str
) -> list[Value]:
    """Give what a choice of encoding makes of the rows, float32 ``[splits, rows, ...]`` each.

    First the numbers of many values, if there are any; then everything else in the order of a network's inputs.
    """
    layout, blocks = recipe.layout, []
    if slots is not None:
        missing = operations.is_missing(slots)
        known = operations.where(missing, 0.0, slots)
        for members in (layout.many, layout.two):
            if members:
                absent = operations.columns(missing, members)
                values = operations.columns(known, members)
                if members is layout.many and choice == "quantile":
                    made = ranks.to_normal(operations, values, prefix="quantile.", longest=recipe.longest)
                else:
                    made = _robust(operations, values, choice, members)
                blocks.append(operations.cast(operations.where(absent, 0.0, made), FLOAT32))
        if layout.indicated:
            absent = operations.columns(missing, layout.indicated)
            shown = operations.unsqueeze(operations.cast(absent, FLOAT32), 0)
            splits = next(part.splits for part in recipe.parts if part.encoding == choice)
            blocks.append(operations.concat([shown] * splits, axis=0))
    blocks += [
        operations.take(operations.tensor(f"{choice}.hot{column}"), places[column], axis=1) for column in layout.hot
    ]
    return blocks


def _robust(operations: Operations, values: Value, choice: str, members: tuple[int, ...]) -> Value:
    centre, scale = (
        operations.unsqueeze(operations.columns(operations.tensor(f"{choice}.{name}"), members), 1)
        for name in ("centre", "scale")
    )
    off = operations.maximum(operations.minimum((values - centre) * scale, _FURTHEST), -_FURTHEST)
    third = off / 3.0
    return off / operations.sqrt(third * third + 1.0)


def _network(
    operations: Operations, recipe: Recipe, blocks: list[Value], places: Sequence[Value], *, number: int
) -> Value:
    """Give the outputs of a part's networks, ``[splits, rows, outputs]``."""
    part = recipe.parts[number]
    units = list(blocks)
    if part.periodic:
        units[0] = _embedded(operations, units[0], part, number=number, columns=len(recipe.layout.many))
    units += [
        operations.take(operations.tensor(f"{number}.level{column}"), places[column], axis=1)
        for column in recipe.layout.embedded
    ]
    x = operations.concat(units, axis=2) * _for_rows(operations, f"{number}.scale")
    activate = ACTIVATIONS[part.activation]
    for layer in range(part.depth):
        weight = operations.tensor(f"{number}.weight{layer}")
        x = activate(operations, x @ weight + _for_rows(operations, f"{number}.bias{layer}"))
    return x @ operations.tensor(f"{number}.weight_out") + _for_rows(operations, f"{number}.bias_out")


def _for_rows(operations: Operations, name: str) -> Value:
    """Give a tensor ``[splits, columns]`` as ``[splits, 1, columns]``, the same for all rows."""
    return operations.unsqueeze(operations.tensor(name), 1)


def _embedded(operations: Operations, values: Value, part: PartRecipe, *, number: int, columns: int) -> Value:
    """Put beside each number three sums of its cosines: ``[splits, rows, numbers]`` becomes 4 times as wide."""
    column = operations.unsqueeze(operations.transpose(values, (0, 2, 1)), 3)  # [splits, numbers, rows, 1]
    turns = column * _for_columns(operations, f"{number}.frequency") + _for_columns(operations, f"{number}.phase")
    cosines = operations.cos(turns * (2 * math.pi))
    weight = operations.transpose(operations.tensor(f"{number}.periodic"), (0, 1, 3, 2))
    made = cosines @ weight + _for_columns(operations, f"{number}.periodic_bias")
    together = operations.transpose(operations.concat([column, made], axis=3), (0, 2, 1, 3))
    return operations.reshape(together, (part.splits, -1, SLOTS * columns))


def _for_columns(operations: Operations, name: str) -> Value:
    """Give a tensor ``[splits, numbers, ...]`` as ``[splits, numbers, 1, ...]``, the same for all rows."""
    return operations.unsqueeze(operations.tensor(name), 2)


def _restored(operations: Operations, part: PartRecipe, made: Value, *, number: int) -> Value:
    """Give outputs in the target's own units, float64; a transformed target's mean, by its table (Duan's smearing)."""
    made = operations.cast(made, FLOAT64)
    if part.restore == "table":
        table = operations.reshape(operations.tensor(f"{number}.table"), (-1,))
        density = (GRID_POINTS - 1) / (GRID_HIGH - GRID_LOW)
        inside = operations.maximum(operations.minimum(made, GRID_HIGH), GRID_LOW)
        position = (inside - GRID_LOW) * density
        below = operations.minimum(operations.floor(position), GRID_POINTS - 2.0)
        place = operations.cast(below, INT64) + operations.tensor(f"{number}.begin")
        low, high = (operations.take(table, index, axis=0) for index in (place, place + 1))
        return low + (high - low) * (position - below)
    names = ("mean", "deviation", "low", "high") if part.restore == "standard" else ("mean", "deviation")
    mean, deviation, *ends = (_for_splits(operations, f"{number}.{name}") for name in names)
    raw = made * deviation + mean
    return operations.maximum(operations.minimum(raw, ends[1]), ends[0]) if ends else raw


def _for_splits(operations: Operations, name: str) -> Value:
    """Give a tensor ``[splits]`` as ``[splits, 1, 1]``."""
    return operations.reshape(operations.tensor(name), (-1, 1, 1))
