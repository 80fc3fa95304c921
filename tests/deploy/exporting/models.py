"""Models that were never trained: random weights behind real encodings, every kind of column among the inputs."""

import datetime
from dataclasses import replace

import numpy as np
import polars as pl

from evenfit.data.encodings import fit_encoding
from evenfit.data.table import understand
from evenfit.deploy import Model, Part
from evenfit.fleet.layout import layout, starting_weights
from evenfit.specs.config import Config

ROWS, SPLITS = 90, 2
SMALL = Config(width=6, depth=2, embedding_size=3)
KINDS = ("numbers", "binary", "boolean", "date", "time", "few", "two", "many", "codes")
CATEGORICAL = ("codes", "two")


def make_frame(kinds=KINDS, *, rows=ROWS, seed=0):
    """A table with ties, missing cells, a date, words and categories with and without an embedding."""
    draw = np.random.default_rng(seed)
    levels = {"few": ["red", "blue", "très vert"], "two": ["a", "b"], "many": [f"town {code}" for code in range(14)]}
    start = datetime.datetime(2019, 12, 30)  # noqa: DTZ001
    made = {
        "ties": np.where(draw.random(rows) < 0.5, 0.0, draw.exponential(1000, rows)),
        "stamp": 1.7e9 + draw.uniform(0, 1e6, rows),
        "size": draw.normal(size=rows),
    }
    columns = {name: list(column) for name, column in made.items()} if "numbers" in kinds else {}
    if "binary" in kinds:
        columns["door"] = list(draw.choice([2.5, 7.0], rows))
    if "boolean" in kinds:
        columns["own er"] = list(draw.choice(["yes", "no"], rows))
    if "date" in kinds:
        columns["day"] = [start + datetime.timedelta(hours=float(hours)) for hours in draw.uniform(0, 2e4, rows)]
    if "time" in kinds:
        columns["time"] = [f"{hour:02d}:{minute:02d}" for hour, minute in draw.integers(24, size=(rows, 2))]
    columns |= {kind: list(draw.choice(levels[kind], rows)) for kind in ("few", "two", "many") if kind in kinds}
    if "codes" in kinds:
        columns["codes"] = list(draw.choice([1, 2, 10, 300], rows))
    for name, cells in columns.items():
        if name not in ("two", "door"):
            columns[name] = [None if draw.random() < 0.1 else cell for cell in cells]
    return pl.DataFrame([pl.Series(name, cells, strict=False) for name, cells in columns.items()])


def make_target(task, rows=ROWS, seed=1):
    """Classes by name, or positive skewed numbers."""
    draw = np.random.default_rng(seed)
    if task == "regression":
        return pl.Series("target", draw.exponential(50, rows) + 1)
    names = {"binary": ["no", "yes"], "multiclass": ["x", "y", "z"], "numbered": [3, 5, 8], "truth": [False, True]}[
        task
    ]
    return pl.Series("target", [names[code] for code in draw.integers(len(names), size=rows)])


def make_model(task="binary", configs=(SMALL,), *, frame=None, seed=0):
    """A model of so many configs with two networks each; the first half of the rows trains one, the rest the other."""
    frame = make_frame() if frame is None else frame
    kept = [name for name in CATEGORICAL if name in frame.columns]
    kind = "regression" if task == "regression" else "classification"
    rows = frame.with_columns(make_target(task, len(frame)))
    table = understand(rows, target="target", task=kind, categorical=kept)
    draw = np.random.default_rng(seed)
    outputs = max(len(table.schema.target.classes), 1)
    parts = []
    for number, config in enumerate(configs):
        splits = np.array_split(np.arange(len(frame)), SPLITS)
        encodings = tuple(fit_encoding(table, one, inputs=config.inputs, target=config.target) for one in splits)
        plan = layout(config, encodings[0].shape, outputs)
        weights = np.stack([starting_weights(plan, seed, np.zeros(outputs)) for seed in range(SPLITS)])
        weights += draw.normal(scale=0.3, size=weights.shape)
        residuals = np.sort(draw.normal(scale=0.5, size=(SPLITS, 200)), axis=1)
        part = Part(
            trial=number,
            config=config,
            share=0.0,
            weights=weights.astype(np.float32),
            residuals=residuals.astype(np.float32),
            encodings=encodings,
        )
        parts.append(part)
    shares = np.arange(1, len(parts) + 1) / sum(range(1, len(parts) + 1))
    return Model(
        schema=table.schema,
        parts=tuple(replace(part, share=float(share)) for part, share in zip(parts, shares, strict=True)),
        selected=0,
        metric="rmse" if task == "regression" else "log_loss",
        promised={"mean": 0.5, "low": 0.4, "high": 0.6, "level": 0.9},
    )
