"""The section on what the losses of a search depended on: each hyperparameter, and the pair that acts together."""

from __future__ import annotations

from evenfit.report.facts import Facts
from evenfit.report.figures import hyperparameters as drawing
from evenfit.report.figures.canvas import svg
from evenfit.report.markup import figure, figures, paragraph, section
from evenfit.report.shares import depended_on
from evenfit.report.words import metric_word, percent, value_word
from evenfit.results.study import Study


def depended(study: Study, facts: Facts) -> str:
    """Bars of shares with their intervals, and a map of the strongest pair; a sentence where nothing is known."""
    known = facts.hyperparameters
    if known is None:
        return ""
    said = depended_on(known)
    if known.refusal:
        return section("depended", _TITLE, paragraph(f"{said[:1].upper()}{said[1:]}."))
    level = percent(known.alone[0].share.level)
    notes = "".join(f" {note[:1].upper()}{note[1:]}." for note in known.notes)
    drawn = [
        figure(
            svg(drawing.draw(known), name="depended", title=said),
            title="Shares of the loss's variance",
            caption=f"By forests fitted to {known.trials} configs (fANOVA), which foretell {percent(known.explained)} "
            f"of the variance of those held back; {level} intervals over resampled configs; dotted: what shuffled "
            "losses give; grey: not told from that.",
            table=drawing.table(known),
        )
    ]
    if known.surface is not None:
        first, second = map(value_word, known.surface.names)
        loss = metric_word(study.truth.metric)
        drawn.append(
            figure(
                svg(
                    drawing.draw_surface(known.surface, loss=loss),
                    name="pair",
                    title=f"Expected {loss} by {first} and {second}",
                ),
                title=f"{first} and {second}",
                caption=f"Expected {loss}, on average over the other values: the pair that explains most together. The "
                "ring is where it is lowest.",
                table=drawing.surface_table(known.surface),
            )
        )
    return section(
        "depended",
        _TITLE,
        paragraph(
            "Over the values as they were searched, which is more often where configs were good; associations in this "
            f"search, not effects.{notes}"
        ),
        figures(*drawn),
    )


_TITLE = "What the loss depended on"
