"""BiasVarianceSweep: a loss taken apart at several values of one hyperparameter, as a frozen value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evenfit.results.decomposition.bias_variance import BiasVariance
from evenfit.results.decomposition.shape import DOUBLE_DESCENT, NONE, Shape, find_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, kw_only=True)
class BiasVarianceSweep:
    """Bias and variance over the values of one hyperparameter, and what shape they were shown to have.

    All values were judged on the same rows by the same replicates.
    """

    name: str  # of the hyperparameter; "rows" is the training rows of a replicate
    values: tuple[Any, ...]  # V, in the order in which they were given
    points: tuple[BiasVariance, ...]  # V
    loss_shape: Shape
    variance_shape: Shape
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say whether there is double descent, and whether the variance rises and falls."""
        return (
            _say(self.loss_shape, self, found="double descent", missing="no double descent was shown"),
            _say(self.variance_shape, self, found="unimodal", missing="the variance was not shown to rise and fall"),
        )

    def __repr__(self) -> str:
        """What it shows, in sentences: its points are too long to be printed."""
        return f"<BiasVarianceSweep over {self.name}: {' '.join(self.sentences)}>"

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "name": self.name,
            "values": [_plain(value) for value in self.values],
            "points": [point.to_json() for point in self.points],
            "shapes": {shape.part: _shape(shape, self.values) for shape in (self.loss_shape, self.variance_shape)},
            "sentences": list(self.sentences),
            "notes": list(self.notes),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw bias, variance and noise stacked over the values, on ``ax`` or on new axes."""
        from evenfit.results.decomposition.drawing import draw_sweep  # noqa: PLC0415 - matplotlib takes long to import

        return draw_sweep(self, ax)


def make_sweep(
    name: str, values: Sequence[Any], points: Sequence[BiasVariance], *, notes: tuple[str, ...] = ()
) -> BiasVarianceSweep:
    """Put points together, and look for double descent of the loss and for a variance that rises and falls.

    Values that are numbers are put in order. Shapes are looked for among the replicates and rows that all points have.
    """
    order = list(range(len(values)))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        order.sort(key=lambda place: values[place])
    ordered = tuple(points[place] for place in order)
    return BiasVarianceSweep(
        name=name,
        values=tuple(values[place] for place in order),
        points=ordered,
        loss_shape=_find("loss", ordered),
        variance_shape=_find("variance", ordered),
        notes=notes,
    )


def _find(part: str, points: Sequence[BiasVariance]) -> Shape:
    """Look for the shape of a part among the replicates and rows that all points share."""
    replicates = _common([point.maps.replicate_numbers for point in points])
    rows = _common([point.maps.numbers for point in points])
    if len(replicates) < 2 or len(rows) < 2:
        return Shape(part=part, kind=NONE, chance=1.0, valley=None, peak=None, after=None)
    by_replicate = [
        getattr(point.maps, f"replicate_{part}")[np.isin(point.maps.replicate_numbers, replicates)] for point in points
    ]
    by_row = [getattr(point.maps, part)[np.isin(point.maps.numbers, rows)] for point in points]
    return find_shape(part, by_replicate, by_row)


def _common(several: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    common = several[0]
    for each in several[1:]:
        common = np.intersect1d(common, each)
    return common


def _say(shape: Shape, sweep: BiasVarianceSweep, *, found: str, missing: str) -> str:
    if shape.kind == NONE or shape.peak is None or shape.valley is None or shape.after is None:
        return f"{missing} (p = {shape.chance:.2g})"
    title = found if shape.part != "loss" or shape.kind == DOUBLE_DESCENT else "peak"
    heights = [
        f"{point.parts()[shape.part].corrected.mean:.3g} at {sweep.name} {sweep.values[place]}"
        for place, point in enumerate(sweep.points)
    ]
    before = "falls to" if shape.kind == DOUBLE_DESCENT else "is"
    return (
        f"{title}: the {shape.part} {before} {heights[shape.valley]}, rises to {heights[shape.peak]}, and falls to "
        f"{heights[shape.after]} (p = {shape.chance:.2g})"
    )


def _shape(shape: Shape, values: tuple[Any, ...]) -> dict[str, Any]:
    places = {"valley": shape.valley, "peak": shape.peak, "after": shape.after}
    return {
        "kind": shape.kind,
        "chance": shape.chance,
        **{name: None if place is None else _plain(values[place]) for name, place in places.items()},
    }


def _plain(value: Any) -> Any:
    """A value for JSON: numbers, words and truths as they are, anything else as text."""
    value = value.item() if hasattr(value, "item") else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
