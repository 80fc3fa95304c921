"""Permutation importance: how much the loss rises when a column's values are shuffled among rows."""

from __future__ import annotations

from matplotlib.figure import Figure

from evenfit.report.digits import count, fixed, interval_decimals, short, span
from evenfit.report.facts import Facts
from evenfit.report.figures.canvas import MUTED, SELECTED, finish, plain, quiet, sheet, shortened
from evenfit.report.table import Table
from evenfit.results.study import Interval

MOST = 20  # columns that are drawn; the table has all


def ranked(facts: Facts) -> tuple[tuple[str, Interval], ...]:
    """Columns from the most to the least important."""
    return tuple(sorted(facts.importance, key=lambda pair: -pair[1].mean))


def draw(facts: Facts, *, loss: str) -> Figure:
    """A point and its interval for each of the most important columns; grey where the interval holds 0."""
    known = ranked(facts)[:MOST]
    figure, axes = sheet(height=0.62 + 0.2 * max(4, len(known)))
    for place, (_, rise) in enumerate(known):
        colour = SELECTED if rise.low > 0 else MUTED
        axes.plot([rise.low, rise.high], [place, place], color=colour, linewidth=1.4)
        axes.plot([rise.mean], [place], "o", color=colour, markersize=4.5)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    quiet(axes, x=f"rise of {loss}")
    axes.set_yticks(range(len(known)), [plain(shortened(name)) for name, _ in known])
    axes.set_ylim(len(known) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    return finish(figure, left=1.55, top=0.08)


def table(facts: Facts) -> Table:
    """Every column with the rise of the loss and its interval."""
    known = ranked(facts)
    places = interval_decimals(*(rise for _, rise in known))
    rows = tuple((name, fixed(rise.mean, places), span(rise, places=places)) for name, rise in known)
    return Table(columns=("column", "rise of the loss", "95% interval"), rows=rows)


def words(facts: Facts) -> str:
    """Which columns matter most, and how many are not shown to matter."""
    known = ranked(facts)
    first = ", ".join(f"{name} ({short(rise.mean, digits=2)})" for name, rise in known[:3])
    idle = sum(rise.low <= 0 for _, rise in known)
    none = f"; {count(idle, 'column')} not shown to matter" if idle else ""
    return f"The loss rises most by shuffling {first}{none}."
