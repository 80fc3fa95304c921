"""Signature: what goes into an exported model and what comes out, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from evenfit.data.columns import FALSE, TRUE
from evenfit.deploy.exporting.inputs import Input, is_time_of_day
from evenfit.deploy.exporting.recipe import Recipe

ROWS = "rows"
LABEL, PROBABILITIES, PREDICTION = "label", "probabilities", "prediction"
_MEANINGS = {
    "number": "a number",
    "seconds": "seconds since 1970-01-01 00:00 UTC",
    "text": "text",
    "level": "a number that names a category",
}


def column_of(known: Input) -> dict[str, Any]:
    """Say what one column holds."""
    column = known.column
    about: dict[str, Any] = {"column": column.name, "kind": column.kind, "meaning": _MEANINGS[known.form]}
    if column.kind == "categorical":
        return about | {"levels": list(column.levels)}
    if column.kind == "boolean":
        yes, no = (list(dict.fromkeys((column.levels[code], *words))) for code, words in ((1, TRUE), (0, FALSE)))
        return about | {"yes": [*yes, "1"], "no": [*no, "0"]}
    if is_time_of_day(column):
        about["meaning"] += ", of that time on 2000-01-01"
    return about | ({"format": column.format} if column.format else {})


def outputs_of(recipe: Recipe, *, label: bool) -> list[dict[str, Any]]:
    """Say what comes out."""
    if not recipe.classes:
        return [
            {"name": PREDICTION, "type": "float64", "shape": [ROWS], "meaning": f"{recipe.target}, in its own units"}
        ]
    names = class_names(recipe)
    kind = "string" if names.dtype == object else str(names.dtype)
    likeliest = {"name": LABEL, "type": kind, "shape": [ROWS], "meaning": "the likeliest class"}
    shares = {
        "name": PROBABILITIES,
        "type": "float64",
        "shape": [ROWS, len(recipe.classes)],
        "meaning": "of each class",
        "classes": names.tolist(),
    }
    return [likeliest, shares] if label else [shares]


def class_names(recipe: Recipe) -> np.ndarray[Any, Any]:
    """Give the classes in the order of their probabilities: whole numbers, booleans, other numbers, or else text."""
    kinds = {type(name) for name in recipe.classes}
    for kind, dtype in ((bool, "bool"), (int, "int64"), (float, "float64")):
        if kinds == {kind}:
            return np.array(recipe.classes, dtype)
    return np.array([str(name) for name in recipe.classes], dtype=object)
