"""Importance of hyperparameters: the share of the loss's variance that each explains, alone and in pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from evenfit.report.digits import short
from evenfit.report.figures.canvas import INK, MUTED, SELECTED, finish, quiet, sheet
from evenfit.report.shares import hundredths, label
from evenfit.report.table import Table
from evenfit.report.words import percent, value_word
from evenfit.results.hyperparameters import Hyperparameter, Hyperparameters, Pair, Surface

MOST = 12  # bars that are drawn; the table has all
_PALE = "#eef3f7"


def shown(known: Hyperparameters) -> tuple[Hyperparameter | Pair, ...]:
    """What is drawn: hyperparameters and pairs, those that explain most."""
    both: list[Hyperparameter | Pair] = [*known.alone, *known.pairs]
    return tuple(sorted(both, key=lambda one: -one.share.mean)[:MOST])


def draw(known: Hyperparameters) -> Figure:
    """A bar and its interval for each; a tick where chance alone would end; grey where it is not told from that."""
    drawn = shown(known)
    figure, axes = sheet(height=0.62 + 0.22 * max(4, len(drawn)))
    for place, one in enumerate(drawn):
        colour = SELECTED if one.clear else MUTED
        axes.barh(place, 100 * one.share.mean, height=0.55, color=colour, alpha=0.75)
        axes.plot([100 * one.share.low, 100 * one.share.high], [place, place], color=INK, linewidth=1.1)
        axes.plot([100 * one.chance] * 2, [place - 0.38, place + 0.38], color=INK, linewidth=1.1, linestyle=":")
    quiet(axes, x="share of the loss's variance, %")
    axes.set_yticks(range(len(drawn)), [label(one) for one in drawn])
    axes.set_ylim(len(drawn) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    return finish(figure, left=2.1, top=0.08)


def table(known: Hyperparameters) -> Table:
    """All of them with shares, intervals, what chance gives, and the second opinion."""
    both: list[Hyperparameter | Pair] = [*known.alone, *known.pairs]
    rows = [
        (
            label(one),
            hundredths(one.share.mean),
            f"{hundredths(one.share.low)} to {hundredths(one.share.high)}",
            hundredths(one.chance),
            hundredths(one.best) if isinstance(one, Hyperparameter) else "",
        )
        for one in both
    ]
    level = percent(known.alone[0].share.level) if known.alone else ""
    return Table(
        columns=("hyperparameter", "share, %", f"{level} interval", "by chance", "among the best, %"), rows=tuple(rows)
    )


def draw_surface(known: Surface, *, loss: str) -> Figure:
    """A map of the loss over the values of two hyperparameters: the darker, the lower."""
    losses = np.array(known.losses)
    figure, axes = sheet(height=2.9)
    colours = LinearSegmentedColormap.from_list("loss", [SELECTED, _PALE])
    axes.pcolormesh(losses, cmap=colours, edgecolors="none", rasterized=False)
    axes.set_xticks(np.arange(losses.shape[1]) + 0.5, _ticks(known.values[1]))
    axes.set_yticks(np.arange(losses.shape[0]) + 0.5, _ticks(known.values[0]))
    best = np.unravel_index(int(losses.argmin()), losses.shape)
    axes.plot([best[1] + 0.5], [best[0] + 0.5], "o", markerfacecolor="none", markeredgecolor=INK, markersize=8)
    quiet(axes, x=value_word(known.names[1]), y=value_word(known.names[0]))
    axes.grid(visible=False)
    axes.set_xlim(0, losses.shape[1])
    axes.set_ylim(0, losses.shape[0])
    axes.set_xticks(np.arange(losses.shape[1]) + 0.5, _ticks(known.values[1]))
    axes.set_yticks(np.arange(losses.shape[0]) + 0.5, _ticks(known.values[0]))
    axes.set_title(f"{short(losses.min())} (dark) to {short(losses.max())} {loss}", fontsize=8.5, color=INK, loc="left")
    return finish(figure, left=0.95, bottom=0.5)


def surface_table(known: Surface) -> Table:
    """The loss at each pair of values."""
    first, second = (value_word(name) for name in known.names)
    rows = tuple(
        (_value(value), *(short(loss, digits=4) for loss in row))
        for value, row in zip(known.values[0], known.losses, strict=True)
    )
    return Table(columns=(f"{first} \\ {second}", *map(_value, known.values[1])), rows=rows)


def _ticks(values: tuple[Any, ...]) -> list[str]:
    every = 1 + (len(values) - 1) // 6
    return [_value(value) if place % every == 0 else "" for place, value in enumerate(values)]


def _value(value: Any) -> str:
    return short(value, digits=2) if isinstance(value, float) else str(value)
