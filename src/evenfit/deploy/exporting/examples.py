"""Examples: two rows that a model's card calls it with: a usual one, made of no one's data, and an empty one."""

from __future__ import annotations

from typing import Any

import numpy as np

from evenfit.deploy.exporting.inputs import is_time_of_day
from evenfit.deploy.model import Model


def example_cells(model: Model) -> dict[str, list[Any]]:
    """Give two cells for every column: a middle number, a first category, and then missing ones."""
    encoding = model.parts[0].encodings[0]
    slots = [(column.name, part) for column, part in model.schema.numeric]
    found: dict[str, list[Any]] = {}
    for column in model.schema.columns:
        first: Any = "2000-01-01T12:00" if is_time_of_day(column) else "2024-01-31"
        if column.kind in ("categorical", "boolean"):
            first = column.levels[0]
        elif column.kind == "numeric":
            middle = float(encoding.centre[slots.index((column.name, ""))])
            first = float(f"{middle:.6g}") if np.isfinite(middle) else 0.0
        elif ("days", column.name) in [(part, name) for name, part in slots]:
            days = int(encoding.centre[slots.index((column.name, "days"))])
            first = str(np.datetime64("2000-01-01") + np.timedelta64(days, "D"))
        found[column.name] = [first, None]
    return found
