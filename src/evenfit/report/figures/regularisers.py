"""Regularisers: how much the loss rises when the selected config does without one, or what the search leant to."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from evenfit.report.digits import fixed, interval_decimals, short, span
from evenfit.report.figures.canvas import MUTED, SELECTED, finish, quiet, sheet
from evenfit.report.table import Table
from evenfit.report.words import percent, value_word
from evenfit.results.ablation import UNCLEAR, Effect
from evenfit.results.ranking import Ranking


def draw(ranking: Ranking, *, loss: str) -> Figure:
    """A point and its interval for each regulariser that was measured; grey where the sign is not shown."""
    known = _finite(ranking)
    figure, axes = sheet(height=0.62 + 0.2 * max(4, len(known)))
    for place, effect in enumerate(known):
        colour = MUTED if effect.verdict == UNCLEAR else SELECTED
        if math.isfinite(effect.rise.low):
            axes.plot([effect.rise.low, effect.rise.high], [place, place], color=colour, linewidth=1.4)
        axes.plot([effect.rise.mean], [place], "o", color=colour, markersize=4.5)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    quiet(axes, x=f"rise of {loss} without it")
    axes.set_yticks(range(len(known)), [value_word(effect.name) for effect in known])
    axes.set_ylim(len(known) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    return finish(figure, left=1.55, top=0.08)


def table(ranking: Ranking) -> Table:
    """Every regulariser that was measured: its value, the rise, its interval, the probability and the verdict."""
    places = interval_decimals(*(effect.rise for effect in _finite(ranking)))
    rows = tuple(
        (
            value_word(effect.name),
            short(effect.value, digits=2),
            fixed(effect.rise.mean, places),
            span(effect.rise, places=places) if math.isfinite(effect.rise.high) else "",
            short(effect.chance, digits=2),
            effect.verdict if math.isfinite(effect.rise.mean) else "diverges without it",
        )
        for effect in ranking.effects
    )
    level = percent(ranking.effects[0].rise.level) if ranking.effects else ""
    return Table(columns=("regulariser", "value", "rise without it", f"{level} interval", "p (Holm)", ""), rows=rows)


def search_table(ranking: Ranking) -> Table:
    """Every regulariser that was searched, among the best configs and among all."""
    rows = tuple(
        (
            value_word(lean.name),
            short(lean.importance, digits=2),
            f"{100 * lean.among_best:.0f}%",
            f"{100 * lean.among_all:.0f}%",
        )
        for lean in ranking.leaning
    )
    return Table(columns=("regulariser", "importance", "best fifth", "all"), rows=rows)


def _finite(ranking: Ranking) -> tuple[Effect, ...]:
    return tuple(effect for effect in ranking.effects if math.isfinite(effect.rise.mean))
