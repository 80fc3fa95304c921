"""The report of a diagnosis: the verdict with its evidence, and the remedies that were measured."""

from __future__ import annotations

import math

import numpy as np

from evenfit.report import markup
from evenfit.report.digits import count, decimals, duration, fixed, short, with_interval
from evenfit.report.figures.canvas import finish, legend, quiet, sheet, svg
from evenfit.report.markup import bullets, definitions, figure, figures, paragraph, section
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.figures import remedies
from evenfit.report.measures.figures.remedies import percent_text
from evenfit.report.measures.figures.ticks import rows_axis
from evenfit.report.measures.intervals import capital
from evenfit.report.measures.next import fit_line, learning_line
from evenfit.report.measures.story import Story
from evenfit.report.table import Table
from evenfit.results.diagnosis.diagnosis import DataSlope, Diagnosis, EpochCurve
from evenfit.results.diagnosis.drawing import draw_epochs, draw_slope
from evenfit.results.diagnosis.regime import Evidence
from evenfit.results.diagnosis.remedy import HARMS, HELPS, NO_USE, UNDECIDED, Remedy

_MOST_EVIDENCE = 4  # on a terminal; the page has all
_MOST_NAMED = 4


def story(found: Diagnosis, facts: MeasureFacts) -> Story:
    """What was found, in words."""
    regime = found.regime
    findings = [("verdict", f"{regime.sentence} Confidence: {regime.confidence}.")]
    findings += [("" if place else "evidence", one.words) for place, one in enumerate(regime.evidence[:_MOST_EVIDENCE])]
    findings += [
        ("next step", regime.action),
        ("loss", losses(found)),
        ("helps", helping(found)),
        ("harms", harming(found)),
    ]
    if found.combination is not None:
        findings.append(("together", found.combination.sentence))
    findings += [("" if place else "confirmed", one.sentence) for place, one in enumerate(found.confirmations)]
    findings.append(("placebos", found.placebos.sentence))
    if found.data is not None:
        findings.append(("more data", found.data.sentence))
    if found.parts is not None:
        findings.append(("parts", found.parts.sentence))
    if found.split_check is not None:
        findings.append(("split", found.split_check.sentence))
    findings += [("not tested", untested(found)), ("failed", failed(found))]
    return Story(
        kind="diagnosis",
        lead=f"{regime.sentence} {regime.action}",
        table=remedies.table(found),
        cards=_cards(found),
        findings=tuple((heading, said) for heading, said in findings if said),
        next=(fit_line(facts), learning_line(facts)),
    )


def sections(found: Diagnosis, facts: MeasureFacts) -> list[str]:
    """The verdict's evidence, the remedies, the losses, and how all was made."""
    del facts
    return [_verdict(found), _remedies(found), _losses(found), _how(found)]


def losses(found: Diagnosis) -> str:
    """How well the model does: training, validation, gap."""
    known = found.losses
    score = ""
    if found.metric not in ("log_loss",):
        half = (known.score_high - known.score_low) / 2
        places = decimals(half) if math.isfinite(half) and half > 0 else 3
        ends = f"{fixed(known.score_low, places)} to {fixed(known.score_high, places)}"
        score = f"; {found.metric_label} {fixed(known.score, places)} ({ends})"
    return (
        f"{base(found)} {with_interval(known.training)} on training rows, {with_interval(known.validation)} on fresh "
        f"ones, gap {with_interval(known.gap)}; {short(known.constant)} for a constant prediction{score}"
    )


def base(found: Diagnosis) -> str:
    """What training lowers."""
    return "squared error" if found.task == "regression" else "log loss"


def helping(found: Diagnosis) -> str:
    """The remedies that help, with their effects."""
    known = found.of(HELPS)
    if not known:
        tried = f"{count(len(found.remedies), 'change')} that {'was' if len(found.remedies) == 1 else 'were'} measured"
        return (
            f"none of the {tried} is shown to help" if found.remedies else "no change could be measured in the budget"
        )
    return _named(known)


def harming(found: Diagnosis) -> str:
    """The remedies that harm."""
    return _named(tuple(reversed(found.of(HARMS))))


def untested(found: Diagnosis) -> str:
    """What was not measured, and why."""
    reasons: dict[str, list[str]] = {}
    for one in found.not_tested:
        reasons.setdefault(one.reason, []).append(one.words)
    return "; ".join(f"{', '.join(words)} ({reason})" for reason, words in reasons.items())


def failed(found: Diagnosis) -> str:
    """Models that failed."""
    return "; ".join(found.failures)


def _named(known: tuple[Remedy, ...]) -> str:
    shown = [f"{one.words} {percent_text(one.percent)}%" for one in known[:_MOST_NAMED]]
    more = f", and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return ", ".join(shown) + more


def _cards(found: Diagnosis) -> tuple[tuple[str, str, str], ...]:
    regime, known = found.regime, found.losses
    half = (known.score_high - known.score_low) / 2
    places = decimals(half) if math.isfinite(half) and half > 0 else 3
    ends = f"95% interval {fixed(known.score_low, places)} to {fixed(known.score_high, places)}"
    wanted = "" if found.error is None else f"; acceptable: {short(found.error)}"
    best = next(iter(found.of(HELPS)), None)
    remedy = (
        ("Best remedy", "none shown to help", f"of {count(len(found.remedies), 'change')} that were measured")
        if best is None
        else ("Best remedy", best.words, f"{percent_text(best.percent)}% of the loss")
    )
    return (
        ("Verdict", regime.name, f"Confidence: {regime.confidence}"),
        (f"{found.metric_label} on fresh rows", fixed(known.score, places), ends + wanted),
        remedy,
    )


def _verdict(found: Diagnosis) -> str:
    regime = found.regime
    evidence = definitions(
        (one.name.replace("_", " "), f"{one.words} {speaks(one)}".strip()) for one in regime.evidence
    )
    return section(
        "verdict",
        f"Verdict: {regime.name}",
        paragraph(regime.sentence),
        paragraph(regime.action),
        markup.block("Evidence", evidence if regime.evidence else ""),
        markup.block("Are the rows that judge like those that train?", _check(found)),
    )


def speaks(evidence: Evidence) -> str:
    """What a sign speaks for, and against, in brackets; empty where it speaks for nothing."""
    sides = (("for", evidence.speaks_for), ("against", evidence.speaks_against))
    said = [f"{side} {' and '.join(names)}" for side, names in sides if names]
    return f"(Speaks {', '.join(said)}.)" if said else ""


def _check(found: Diagnosis) -> str:
    check = found.split_check
    if check is None:
        return ""
    columns = bullets(f"{name}: told apart with AUC {short(area)}" for name, area in check.columns)
    return paragraph(check.sentence) + columns


def _remedies(found: Diagnosis) -> str:
    if not found.remedies:
        return section(
            "remedies", "Remedies", paragraph(helping(found)), definitions((("not tested", untested(found)),))
        )
    said = f"{len(found.of(HELPS))} of {len(found.remedies)} changes help, {len(found.of(HARMS))} harm."
    pairs = [
        ("help", _named(found.of(HELPS)) or helping(found)),
        ("harm", harming(found)),
        ("not worth trying", ", ".join(one.words for one in found.of(NO_USE))),
        ("undecided", ", ".join(one.words for one in found.of(UNDECIDED))),
        ("together", "" if found.combination is None else found.combination.sentence),
        ("confirmed", " ".join(one.sentence for one in found.confirmations)),
        ("placebos", found.placebos.sentence),
        ("not tested", untested(found)),
        ("failed", failed(found)),
    ]
    return section(
        "remedies",
        "Remedies, measured",
        figures(
            figure(
                svg(remedies.draw(found), name="remedies", title=said),
                caption="What each change does to the loss on rows that it was not trained on, with 95% intervals. "
                "Grey band: what another seed alone does (placebos); a remedy must lie beyond it. Hollow points are "
                f"undecided. {said}",
                table=remedies.full_table(found),
            ),
            kind="wide",
        ),
        definitions((heading, said) for heading, said in pairs if said),
    )


def _losses(found: Diagnosis) -> str:
    drawn = []
    if found.curve is not None:
        said = _curve_words(found.curve, base(found))
        sheet_, axes = sheet()
        draw_epochs(found.curve, axes, loss=base(found))
        axes.set_xlim(0, None)
        quiet(axes, x="epoch", y=base(found))
        legend(axes)
        drawn.append(
            figure(
                svg(finish(sheet_), name="epochs", title=said),
                title="By epoch",
                caption=f"Clean training loss and validation loss; bands are 95% intervals over splits. {said}",
                table=_curve_table(found.curve, base(found)),
            )
        )
    if found.data is not None:
        name = "loss" if found.metric in ("auc", "accuracy", "balanced_accuracy", "f1", "r2") else base(found)
        sheet_, axes = sheet()
        draw_slope(found.data, axes, loss=name)
        quiet(axes, x="training rows", y=name)
        rows_axis(axes, [float(rows) for rows in found.data.rows])
        drawn.append(
            figure(
                svg(finish(sheet_, top=0.12), name="slope", title=found.data.sentence),
                title="By training rows",
                caption=f"The same model with fewer rows of each split. {found.data.sentence}",
                table=_slope_table(found.data, name),
            )
        )
    if found.parts is not None:
        drawn.append(markup.aside("Where the loss comes from", found.parts.sentence))
    return section("losses", "Losses", paragraph(f"{capital(losses(found))}."), figures(*drawn))


def _curve_words(curve: EpochCurve, loss: str) -> str:
    best = int(np.argmin(curve.validation))
    return (
        f"Validation {loss} is lowest at epoch {curve.epochs[best]:,} of {curve.epochs[-1]:,}, "
        f"{short(float(curve.validation[best]))}, where training {loss} is {short(float(curve.training[best]))}."
    )


def _curve_table(curve: EpochCurve, loss: str) -> Table:
    rows = tuple(
        (f"{epoch:,}", short(float(training)), short(float(validation)), short(float(low)), short(float(high)))
        for epoch, training, validation, low, high in zip(
            curve.epochs, curve.training, curve.validation, curve.validation_low, curve.validation_high, strict=True
        )
    )
    return Table(columns=("epoch", f"training {loss}", f"validation {loss}", "low", "high"), rows=rows)


def _slope_table(slope: DataSlope, loss: str) -> Table:
    rows = tuple(
        (f"{rows:,}", f"{100 * share:.0f}%", with_interval(known))
        for rows, share, known in zip(slope.rows, slope.shares, slope.losses, strict=True)
    )
    return Table(columns=("training rows", "share", loss), rows=rows)


def _how(found: Diagnosis) -> str:
    return section(
        "methods",
        "How these numbers were made",
        paragraph(
            f"{count(found.fits, 'model')} were trained in {duration(found.seconds)}, on "
            f"{count(found.folds * found.repeats, 'split')} ({count(found.folds, 'fold')}, "
            f"{count(found.repeats, 'repeat')}). Every change was measured on the same splits as the model itself and "
            "is compared with the mean over the model's seeds, split by split."
        ),
        paragraph(
            "Intervals are corrected for the rows that training sets share (Nadeau & Bengio, 2003), probabilities for "
            "how many changes were tested (Holm), placebos among them. A change helps where its probability is below "
            "5% and its mean lies beyond what one more seed does; it is not worth trying where its whole interval lies "
            "within 1% of the loss."
        ),
    )
