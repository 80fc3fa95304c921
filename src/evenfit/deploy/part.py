"""Part: the networks of one config in a deployed model, one for each split they were trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.encodings import Encoding
from evenfit.data.schema import Table
from evenfit.fleet.evaluation import evaluate
from evenfit.fleet.layout import layout
from evenfit.results.logits import log_softmax
from evenfit.specs.config import Config

Array = npt.NDArray[Any]
_ROWS = 1024  # predicted at once, so that what lies between layers stays in the cache


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """One config's networks, and the share of the whole prediction that is theirs."""

    trial: int
    config: Config
    share: float  # 0: kept for comparison with what was promised, not used to predict
    weights: Array  # [S, parameters]
    residuals: Array  # [S, quantiles] of the training residuals, for regression with a transformed target
    encodings: tuple[Encoding, ...]  # one a split


def predictions(part: Part, table: Table, *, classes: int) -> Iterator[Array]:
    """Give each network's predictions, ``[rows, classes]`` log-probabilities or ``[rows, 1]`` numbers, in float64."""
    for weights, residuals, encoding in zip(part.weights, part.residuals, part.encodings, strict=True):
        encoded, plan = encoding.inputs(table), layout(part.config, encoding.shape, classes)
        pieces = [
            evaluate(plan, weights, encoded.values[start : start + _ROWS], encoded.codes[start : start + _ROWS])
            for start in range(0, max(table.rows, 1), _ROWS)
        ]
        outputs = np.concatenate(pieces)
        yield log_softmax(outputs) if classes > 1 else encoding.restore(outputs, residuals)


def to_parts(parts: Mapping[int, Part] | tuple[Part, ...]) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Give parts as JSON and tensors; encodings that parts share are stored once."""
    manifest: list[dict[str, Any]] = []
    tensors: dict[str, Array] = {}
    for number, part in enumerate(parts if isinstance(parts, tuple) else tuple(parts.values())):
        tensors[f"{number}.weights"] = part.weights.astype(np.float32)
        tensors[f"{number}.residuals"] = part.residuals.astype(np.float32)
        choice = f"{part.config.inputs}.{part.config.target}"
        for split, encoding in enumerate(part.encodings):
            for name, array in encoding.to_arrays().items():
                tensors[f"encoding.{choice}.{split}.{name}"] = array
        manifest.append(
            {
                "trial": part.trial,
                "config": part.config.to_json(),
                "share": part.share,
                "encoding": choice,
                "splits": len(part.encodings),
            }
        )
    return manifest, tensors


def from_parts(manifest: list[dict[str, Any]], tensors: Mapping[str, Array]) -> tuple[Part, ...]:
    """Make parts from what ``to_parts`` gave."""
    parts = []
    for number, stored in enumerate(manifest):
        encodings = []
        for split in range(stored["splits"]):
            prefix = f"encoding.{stored['encoding']}.{split}."
            arrays = {name[len(prefix) :]: array for name, array in tensors.items() if name.startswith(prefix)}
            encodings.append(Encoding.from_arrays(arrays))
        parts.append(
            Part(
                trial=stored["trial"],
                config=Config.from_json(stored["config"]),
                share=stored["share"],
                weights=tensors[f"{number}.weights"],
                residuals=tensors[f"{number}.residuals"],
                encodings=tuple(encodings),
            )
        )
    return tuple(parts)
