"""The report of a validation curve: what one hyperparameter does, all else equal, or on average over a search."""

from __future__ import annotations

from evenfit.report.digits import count, with_interval
from evenfit.report.figures.canvas import svg
from evenfit.report.markup import figure, figures, paragraph, section
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.figures import values
from evenfit.report.measures.intervals import capital, ends, middle
from evenfit.report.measures.next import diagnose_line
from evenfit.report.measures.story import Story
from evenfit.report.words import as_score, value_word
from evenfit.results.curves.validation_curve import ValidationCurve


def story(curve: ValidationCurve, facts: MeasureFacts) -> Story:
    """What the curve says, in words."""
    word, best = value_word(curve.name), values.value_text(curve.values[curve.best])
    lowest = curve.loss_intervals[curve.best]
    score = as_score(curve.metric, lowest)
    findings = [
        ("lowest", f"{word} {best}: {curve.loss} {with_interval(lowest)}{f', {score}' if score else ''}"),
        ("as good", as_good(curve)),
        ("fit", fit(curve)),
        ("kind", kind(curve)),
    ]
    cards = (
        (f"Best {word}", best, as_good(curve)),
        (f"{capital(curve.loss)} there", middle(lowest), "; ".join(filter(None, (ends(lowest), score)))),
    )
    return Story(
        kind="validation curve",
        lead=lead(curve),
        table=values.table(curve),
        cards=cards,
        findings=tuple((heading, said) for heading, said in findings if said),
        next=(diagnose_line(facts),),
    )


def sections(curve: ValidationCurve, facts: MeasureFacts) -> list[str]:
    """The curve, and how it was made."""
    del facts
    bands = " over splits" if curve.controlled else " of what a model of the trials says"
    drawn = figure(
        svg(values.draw(curve), name="values", title=lead(curve)),
        title=capital(value_word(curve.name)),
        caption=f"Clean training loss and validation loss; bands are 95% intervals{bands}. Dotted: the value with the "
        f"lowest validation loss. {fit(curve)}".strip(),
        table=values.table(curve),
    )
    return [section("curve", "Validation curve", figures(drawn)), _how(curve)]


def lead(curve: ValidationCurve) -> str:
    """Which value does best, and how far that can be told."""
    shown = f"{value_word(curve.name)} {values.value_text(curve.values[curve.best])}"
    over = "" if curve.controlled else f", on average over the {curve.trials} configs of a search"
    lowest = with_interval(curve.loss_intervals[curve.best])
    return f"{capital(curve.loss)} is lowest with {shown}, {lowest}{over}; {as_good(curve)}."


def as_good(curve: ValidationCurve) -> str:
    """The values that are not shown to be worse than the best."""
    others = [values.value_text(value) for value in curve.as_good if value != curve.values[curve.best]]
    if not others:
        return "every other value is shown to be worse"
    if len(others) == len(curve.values) - 1:
        return "no other value is shown to be worse"
    return f"not shown to be worse: {', '.join(others)}"


def fit(curve: ValidationCurve) -> str:
    """Which way the training loss goes where the validation loss rises: which side underfits, which overfits.

    Only where both differences from the best are beyond their intervals.
    """
    said = []
    if not curve.controlled:
        return ""
    for place, value in ((0, curve.values[0]), (len(curve.values) - 1, curve.values[-1])):
        if place == curve.best or not curve.differences[place].low > 0:
            continue
        change = curve.training_differences[place]
        shown = f"{value_word(curve.name)} {values.value_text(value)}"
        if change.low > 0:
            said.append(f"{shown} underfits: both losses are higher than at the best")
        elif change.high < 0:
            said.append(f"{shown} overfits: its training loss is lower, its validation loss higher than at the best")
    return capital("; ".join(said) + ".") if said else ""


def kind(curve: ValidationCurve) -> str:
    """Whether all else was equal."""
    if curve.controlled:
        return "fresh networks on the same splits from the same seeds, all else equal"
    share = (
        "" if curve.explained is None else f", which explains {100 * curve.explained:.0f}% of their losses' variance"
    )
    return (
        f"an average over the {curve.trials} configs of a search, by a model of them{share}: other values varied, too, "
        "so it is a hint, not an effect"
    )


def _how(curve: ValidationCurve) -> str:
    """How the numbers were made."""
    if not curve.controlled:
        return section("methods", "How these numbers were made", paragraph(f"{capital(kind(curve))}."))
    splits = 0 if curve.losses is None else len(curve.losses)
    return section(
        "methods",
        "How these numbers were made",
        paragraph(
            f"{count(len(curve.values), 'value')} on {count(splits, 'split')}: {kind(curve)}.",
            "Intervals are of means over splits, corrected for the rows that training sets share (Nadeau & Bengio, "
            "2003); differences from the best are paired, each at its own 95%.",
        ),
    )
