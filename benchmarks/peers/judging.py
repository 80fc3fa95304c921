"""What a contender reached on the test rows, and how two contenders compare."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from peers.table import Table

SMALLEST_PROBABILITY = 1e-15
LEVEL = 0.01  # a loss within 1% is level, whatever the interval


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a fit took: by the clock, and of the processor, all its processes and threads together."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a contender reached on a table."""

    table: str
    contender: str
    task: str
    rows: int
    budget: float
    seed: int
    seconds: float
    quality: float  # log loss or RMSE on the test rows
    row_losses: tuple[float, ...]  # log loss or squared error, row by row
    cpu_seconds: float | None = None  # well below seconds x threads: others used the machine, measure again
    promised: dict[str, float] | None = None  # evenfit's estimate
    course: tuple[tuple[float, float], ...] | None = None  # seconds, and the quality had it ended then


def judged(
    table: Table,
    contender: str,
    predicted: np.ndarray,
    *,
    budget: float,
    seed: int,
    spent: Spent,
    promised: dict[str, float] | None = None,
    course: tuple[tuple[float, float], ...] | None = None,
) -> Result:
    losses = row_losses(table, predicted)
    return Result(
        table=table.name,
        contender=contender,
        task=table.task,
        rows=len(table.y_train) + len(table.y_test),
        budget=budget,
        seed=seed,
        seconds=round(spent.seconds, 2),
        cpu_seconds=round(spent.cpu_seconds, 2),
        quality=quality(table, losses),
        row_losses=tuple(float(f"{loss:.6g}") for loss in losses),
        promised=promised,
        course=course,
    )


def quality(table: Table, losses: np.ndarray) -> float:
    """Log loss or RMSE, from the losses of the rows."""
    mean = float(losses.mean())
    return mean if table.classes else math.sqrt(mean)


def row_losses(table: Table, predicted: np.ndarray) -> np.ndarray:
    """Log loss or squared error of each test row."""
    if not np.isfinite(predicted).all():
        raise RuntimeError(f"predictions on {table.name} are not finite")
    if not table.classes:
        return (predicted - table.y_test) ** 2
    if predicted.shape != (len(table.y_test), len(table.classes)):
        raise RuntimeError(f"wanted probabilities of {len(table.classes)} classes, got shape {predicted.shape}")
    probabilities = predicted / predicted.sum(1, keepdims=True)
    of_label = probabilities[np.arange(len(table.y_test)), table.y_test]
    return -np.log(of_label.clip(SMALLEST_PROBABILITY, 1))


def compared(ours: Result | None, peer: Result) -> dict[str, Any]:
    """One object of the output: `ratio` is our loss over the peer's, so below 1 is better."""
    row: dict[str, Any] = {
        "name": f"{peer.table} {peer.contender}",
        "ratio": None,
        "seconds": ours.seconds if ours else None,
        "quality": ours.quality if ours else None,
        "peer_quality": peer.quality,
        "cpu_seconds": ours.cpu_seconds if ours else None,
        "peer_seconds": peer.seconds,
        "peer_cpu_seconds": peer.cpu_seconds,
        "table": peer.table,
        "peer": peer.contender,
        "metric": "log loss" if peer.task == "classification" else "RMSE",
    }
    if ours:
        low, high = difference_interval(ours, peer)
        row |= {"ratio": ours.quality / peer.quality, "outcome": outcome(ours, peer), "difference": [low, high]}
        row |= {"promised": ours.promised}
    return row


def difference_interval(ours: Result, peer: Result) -> tuple[float, float]:
    """95% interval of the mean paired difference of row losses, ours less the peer's."""
    difference = np.subtract(ours.row_losses, peer.row_losses)
    half = 1.96 * difference.std(ddof=1) / math.sqrt(len(difference))
    return float(difference.mean() - half), float(difference.mean() + half)


def outcome(ours: Result, peer: Result) -> str:
    low, high = difference_interval(ours, peer)
    if low <= 0 <= high or abs(ours.quality / peer.quality - 1) <= LEVEL:
        return "level"
    return "better" if high < 0 else "worse"


def text(row: dict[str, Any]) -> str:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.5g}"

    return (
        f"{row['table']:24} {row['metric']:9} {row['peer']:16} evenfit {number(row['quality']):>9}"
        f"  peer {number(row['peer_quality']):>9}  ratio {number(row['ratio']):>7}  {row.get('outcome', '')}"
    )


def summary(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """For each peer: how often the loss is lower, and how often the difference is within noise."""
    for peer in dict.fromkeys(row["peer"] for row in rows):
        ratios = [row["ratio"] for row in rows if row["peer"] == peer and row["ratio"]]
        outcomes = Counter(row["outcome"] for row in rows if row["peer"] == peer and row["ratio"])
        if ratios:
            yield (
                f"{peer}: lower loss on {sum(ratio < 1 for ratio in ratios)} of {len(ratios)} tables, geometric mean "
                f"ratio {math.exp(np.mean(np.log(ratios))):.4f}; better {outcomes['better']}, "
                f"level {outcomes['level']}, worse {outcomes['worse']}"
            )


def read_cache(file: Path | None) -> dict[tuple[Any, ...], Result]:
    if file is None or not file.exists():
        return {}
    stored = {}
    for line in file.read_text().splitlines():
        record = json.loads(line)
        result = Result(**{**record, "row_losses": tuple(record["row_losses"])})
        stored[key(result.table, result.contender, result.rows, result.budget, result.seed)] = result
    return stored


def key(table: str, contender: str, rows: int, budget: float, seed: int) -> tuple[Any, ...]:
    return (table, contender, rows, float(budget), seed)


def add_to_cache(file: Path | None, result: Result) -> None:
    if file is not None:
        with file.open("a") as lines:
            lines.write(json.dumps(vars(result)) + "\n")
