"""The section on loss against size or latency."""

from __future__ import annotations

from evenfit.report.facts import Facts
from evenfit.report.figures import front as drawing
from evenfit.report.figures.canvas import svg
from evenfit.report.markup import figure, figures, paragraph, rows, section
from evenfit.report.traded import traded, unit
from evenfit.report.words import metric_word
from evenfit.results.study import Study


def front(study: Study, facts: Facts) -> str:
    """A scatter with the front, and the front as a table; nothing without a second objective."""
    del facts
    known = study.front
    if known is None:
        return ""
    said, loss = traded(study, known), metric_word(study.truth.metric)
    return section(
        "front",
        f"Loss against {known.objective}",
        paragraph(f"{said[:1].upper()}{said[1:]}"),
        figures(
            figure(
                svg(drawing.draw(study, known, loss=loss), name="front", title=f"{loss} against {known.objective}"),
                title=f"{loss} against {known.objective}".capitalize(),
                caption=f"Complete configs; the front are those than which none is better in both. {unit(known)} "
                "Intervals are over splits, each point's own; the estimate alone is corrected for selection.",
                table=drawing.table(study, known),
            ),
        ),
        rows(drawing.table(study, known), caption="The front"),
    )
