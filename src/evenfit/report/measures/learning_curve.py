"""The report of a learning curve: what more rows would give, and what more epochs did."""

from __future__ import annotations

import math

from evenfit.report.digits import count, fixed, interval_decimals, short, span, with_interval
from evenfit.report.figures.canvas import svg
from evenfit.report.markup import aside, figure, figures, paragraph, section
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.figures import epochs, learning
from evenfit.report.measures.intervals import capital, ends
from evenfit.report.measures.next import diagnose_line
from evenfit.report.measures.story import Story
from evenfit.report.words import as_score
from evenfit.results.curves.learning_curve import LearningCurve


def story(curve: LearningCurve, facts: MeasureFacts) -> Story:
    """What the curve says, in words."""
    found, last = curve.extrapolation, curve.loss_intervals[-1]
    score = as_score(curve.metric, last)
    now = f"{curve.loss} {with_interval(last)}{f', {score},' if score else ''} with {curve.rows[-1]:,.0f} training rows"
    findings = [("now", now), ("more data", curve.sentence), *law(curve)]
    if math.isfinite(curve.gap.mean):
        findings.append(("gap", f"validation minus training loss {with_interval(curve.gap)} with all rows"))
    if curve.epochs is not None:
        findings.append(("epochs", epochs.words(curve.epochs)))
    places = interval_decimals(last)
    cards = [
        (
            f"{capital(curve.loss)} now",
            fixed(last.mean, places),
            "; ".join(filter(None, (ends(last), score))),
        ),
    ]
    if found.twice is not None and found.gain is not None:
        own = interval_decimals(found.gain)
        cards.append(("With twice the data", fixed(found.twice.mean, places), ends(found.twice)))
        cards.append(("Gain", fixed(found.gain.mean, own), ends(found.gain)))
    else:
        cards.append(("With twice the data", "cannot be said", found.refusal))
    return Story(
        kind="learning curve",
        lead=curve.sentence,
        table=learning.table(curve),
        cards=tuple(cards),
        findings=tuple(findings),
        next=(diagnose_line(facts),),
    )


def sections(curve: LearningCurve, facts: MeasureFacts) -> list[str]:
    """The curve over rows, the curve over epochs, and how both were made."""
    beyond = curve.extrapolation.twice is not None
    law_drawn = " Dotted: the law; the diamond: twice the data, with its interval." if beyond else ""
    drawn = [
        figure(
            svg(learning.draw(curve), name="learning", title=learning.words(curve)),
            title="By training rows",
            caption="Clean training loss and validation loss; bands are 95% intervals over splits, corrected for the "
            f"rows that splits share.{law_drawn}",
            table=learning.table(curve),
        )
    ]
    if curve.epochs is not None:
        drawn.append(
            figure(
                svg(epochs.draw(curve.epochs), name="epochs", title=epochs.words(curve.epochs)),
                title="By epoch, with all rows",
                caption=f"Clean training loss and validation loss. {epochs.words(curve.epochs)}",
                table=epochs.table(curve.epochs),
            )
        )
        if len(curve.epochs.validation) == len(curve.training_rows):
            known = epochs.gaps(curve.epochs, training_rows=curve.training_rows, validation_rows=curve.validation_rows)
            said = epochs.gap_words(curve.epochs.epochs, known)
            drawn.append(
                figure(
                    svg(epochs.draw_gap(curve.epochs.epochs, known), name="gap", title=said),
                    title="Gap by epoch",
                    caption=f"Validation minus training loss with its 95% interval; the ring is the epoch from which "
                    f"the gap is certain. {said}",
                    table=epochs.gap_table(curve.epochs.epochs, known),
                )
            )
    if beyond:
        drawn.append(aside("What twice the data would give", curve.sentence))
    return [section("curves", "Learning curves", figures(*drawn)), how(curve, facts)]


def law(curve: LearningCurve) -> list[tuple[str, str]]:
    """The law that was fitted, and how it foretold the largest size."""
    found = curve.extrapolation
    if found.law is None:
        return []
    floor = f", floor {span(found.floor)}" if found.floor is not None else ""
    said = f"{short(found.law.floor)} + {short(found.law.scale)} x rows^-{short(found.law.exponent, digits=2)}{floor}"
    lines = [("law", said)]
    if found.held_back is not None:
        back = found.held_back
        lines.append(
            (
                "checked",
                f"fitted up to {back.fitted_up_to:,.0f} rows it foretells {short(back.predicted)} at {back.rows:,.0f}, "
                f"where {short(back.measured)} was measured; the last value, {short(back.last)}, is off by "
                f"{short(back.last_error, digits=2)}",
            )
        )
    return lines


def how(curve: LearningCurve, facts: MeasureFacts) -> str:
    """How the numbers were made."""
    return section(
        "methods",
        "How these numbers were made",
        paragraph(
            f"{count(len(curve.losses), 'split')} of {count(facts.rows, 'row')}; the training rows of each were cut to "
            f"{count(len(curve.rows), 'size')}, each of which contains the smaller ones. Every network was trained for "
            "the same number of epochs from the same seed, and judged by its split's validation rows, which it never "
            "saw. Intervals are of means over splits, corrected for the rows that training sets share (Nadeau & "
            "Bengio, 2003)."
        ),
        paragraph(
            "The law is floor + scale x rows^-exponent, fitted by least squares that weigh each size by its precision. "
            "It has its say only where, fitted without the largest sizes, it foretells the largest better than the "
            "last value does; its interval is that of curves resampled over splits, widened by that error."
        ),
    )
