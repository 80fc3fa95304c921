"""Predict with a model that evenfit exported, with numpy and safetensors alone.

Beside this file lie model.json, which says what to compute, and model.safetensors, which holds the tensors; an axis of
"splits" counts the networks of one config, whose predictions are averaged.

    >>> from predict import predict  # doctest: +SKIP
    >>> predict({"age": [39, None], "job": ["teacher", None]})  # doctest: +SKIP
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from safetensors.numpy import load_file

Array = np.ndarray[Any, Any]

YES, NO = ("true", "yes", "t", "y", "on", "1", "1.0"), ("false", "no", "f", "n", "off", "0", "0.0")
ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "selu": lambda x: np.where(x > 0, 1.0507009873554805 * x, 1.7580993408473766 * np.expm1(np.minimum(x, 0))),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "silu": lambda x: x / (1 + np.exp(-np.maximum(x, -700))),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))),
}
quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])


def predict(columns: Mapping[str, Sequence[Any]], folder: str | Path = Path(__file__).parent) -> Array:
    """Give probabilities ``[rows, classes]``, or numbers ``[rows]``.

    Args:
        columns: cells by the column's name: numbers, text, words for yes and no, dates as numpy reads them
            ("2024-01-31"); None is missing.
        folder: where model.json and model.safetensors lie.
    """
    model = json.loads((Path(folder) / "model.json").read_text("utf-8"))
    tensors = load_file(Path(folder) / "model.safetensors")
    categories = [column for column in model["columns"] if column["kind"] == "categorical"]
    numbers = [column for column in model["columns"] if column["kind"] != "categorical"]
    read = [slot for column in numbers for slot in read_numbers(column, columns[column["name"]], tensors)]
    slots = np.where(np.abs(read) <= 1e30, read, np.nan)  # [slots, rows]
    codes = [read_levels(column, columns[column["name"]]) for column in categories]
    total: Any = 0
    for number, part in enumerate(model["parts"]):
        own = {name.removeprefix(f"{number}."): tensor for name, tensor in tensors.items()}
        for split in range(part["splits"]):
            values, hot = encode(model, part["encoding"], tensors, slots, codes, split)
            total = total + part["share"] / part["splits"] * network(model, part, own, values, hot, codes, split)
    return np.asarray(total if model["classes"] else total[:, 0])


def read_numbers(column: dict[str, Any], cells: Sequence[Any], tensors: dict[str, Array]) -> list[Array]:
    """Give a column's numbers, NaN where missing; of a date, those of its parts."""
    if column["kind"] == "boolean":
        words = [str(cell).strip().lower() for cell in cells]
        return [np.array([1.0 if word in YES else 0.0 if word in NO else np.nan for word in words])]
    if column["kind"] == "numeric":
        return [np.array([np.nan if cell is None else float(cell) for cell in cells])]
    moments = np.array([cell or "NaT" for cell in cells], "datetime64[us]")
    known = np.where(np.isnat(moments), np.datetime64("2000-01-01", "us"), moments)
    year, month, day = (known.astype(f"datetime64[{unit}]") for unit in "YMD")
    minute = (known - day).astype(int) // 60_000_000
    steps = {"month": month.astype(int) % 12, "weekday": (day.astype(int) + 3) % 7, "hour": minute}
    plain = {"days": known.astype(int) * (1 / 86400e6) - 10957, "year": 1970.0 + year.astype(int)}
    made = [
        plain[part] if part in plain else tensors[f"date.{part}"][steps[part.split("_")[0]]] for part in column["parts"]
    ]
    return [np.where(np.isnat(moments), np.nan, part) for part in made]


def read_levels(column: dict[str, Any], cells: Sequence[Any]) -> Array:
    """Give the position of each cell's level, one after the last where it is missing or none of them."""
    places = {level: code for code, level in enumerate(column["levels"])}
    return np.array([places.get(as_text(cell), len(places)) for cell in cells])


def as_text(cell: Any) -> str:
    """Give a cell as text, the same for 1, 1.0 and "1"."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def encode(
    model: dict[str, Any], choice: str, tensors: dict[str, Array], slots: Array, codes: list[Array], split: int
) -> tuple[Array, list[Array]]:
    """Give the numbers of many values, ``[rows, numbers]``, and everything else that comes before the embeddings."""
    layout, encoded = model["layout"], {}
    for slot in (*layout["many"], *layout["two"]):
        if choice == "quantile" and slot in layout["many"]:
            made = ranks(tensors, slots[slot], split, layout["many"].index(slot))
        else:
            centre, scale = (tensors[f"{choice}.{name}"][split, slot] for name in ("centre", "scale"))
            made = np.clip((slots[slot] - centre) * scale, -1e8, 1e8)
            made = made / np.sqrt(1 + (made / 3) ** 2)
        encoded[slot] = np.nan_to_num(made.astype(np.float32), nan=0.0)
    hot = [encoded[slot][:, None] for slot in layout["two"]]
    hot += [np.isnan(slots[slot])[:, None] for slot in layout["indicated"]]
    hot += [tensors[f"{choice}.hot{column}"][split][codes[column]] for column in layout["hot"]]
    return np.array([encoded[slot] for slot in layout["many"]]).T, hot


def ranks(tensors: dict[str, Array], values: Array, split: int, column: int) -> Array:
    """Give the normal quantiles of a column's values: their ranks among its knots, the middle of ties."""
    table = {name: tensors[f"quantile.{name}"] for name in ("points", "first", "last", "begin", "end")}
    own = slice(table["begin"][split, column], table["end"][split, column] + 1)
    points, first, last = (table[name][own].astype(float) for name in ("points", "first", "last"))
    values = np.where(np.abs(values) <= 1e-280, 0.0, values)
    place = np.clip(np.searchsorted(points, values, side="right") - 1, 0, len(points) - 2)
    share = (values - points[place]) / (points[place + 1] - points[place])
    among = last[place] + (first[place + 1] - last[place]) * share
    among = np.where(values == points[place], (first[place] + last[place]) / 2, among)
    rank = tensors["quantile.margin"][split, column] + tensors["quantile.step"][split, column] * among
    return np.where(np.isnan(rank), np.nan, quantile(np.nan_to_num(rank, nan=0.5)))


def network(
    model: dict[str, Any],
    part: dict[str, Any],
    own: dict[str, Array],
    values: Array,
    hot: list[Array],
    codes: list[Array],
    split: int,
) -> Array:
    """Give one network's probabilities, or its numbers in the target's own units: ``[rows, outputs]``."""
    values = values.astype(float)
    if part["periodic"]:
        turns = values[:, :, None] * own["frequency"][split] + own["phase"][split]
        sums = np.einsum("rcf,ckf->rck", np.cos(2 * np.pi * turns), own["periodic"][split])
        values = np.concatenate([values[:, :, None], sums + own["periodic_bias"][split]], axis=2)
        values = values.reshape(len(values), -1)
    units = [values] if values.size else []
    levels = [own[f"level{column}"][split][codes[column]] for column in model["layout"]["embedded"]]
    x = np.concatenate([*units, *hot, *levels], axis=1).astype(float) * own["scale"][split]
    for layer in range(part["depth"]):
        x = ACTIVATIONS[part["activation"]](x @ own[f"weight{layer}"][split] + own[f"bias{layer}"][split])
    x = x @ own["weight_out"][split] + own["bias_out"][split]
    if model["classes"]:
        power = np.exp(x - x.max(axis=1, keepdims=True))
        return np.asarray(power / power.sum(axis=1, keepdims=True))
    if part["restore"] == "table":
        return np.asarray(np.interp(x, np.linspace(-8, 8, 513), own["table"][split]))
    x = x * own["deviation"][split] + own["mean"][split]
    return np.asarray(np.clip(x, own["low"][split], own["high"][split]) if part["restore"] == "standard" else x)
