"""The report of bias and variance: one network's parts, or the parts over the values of a hyperparameter."""

from __future__ import annotations

from evenfit.report import markup
from evenfit.report.digits import count, interval_decimals, short, with_interval
from evenfit.report.figures.canvas import svg
from evenfit.report.markup import figure, figures, paragraph, section
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.figures import parts, rows
from evenfit.report.measures.figures.parts import LOSS_WORDS, part_word, sweep_word
from evenfit.report.measures.figures.values import value_text
from evenfit.report.measures.intervals import capital, ends, exact_or_interval, middle
from evenfit.report.measures.next import diagnose_line
from evenfit.report.measures.story import Story
from evenfit.results.decomposition.bias_variance import BiasVariance
from evenfit.results.decomposition.sweep import BiasVarianceSweep

_SAMPLING = {
    "bootstrap": "drawn with replacement from the same rows: they share rows, and vary less than fresh data would",
    "disjoint": "dealt so that no row is in two of them: independent, and small",
    "out-of-bag": "drawn with replacement, each judged by the rows that it did not draw",
    "given": "as they were given",
}
_NUMBERED = "Rows are numbered as in the file, from 1, its header not counted."
_MOST_FAILURES = 3


def story(found: BiasVariance | BiasVarianceSweep, facts: MeasureFacts) -> Story:
    """What was found, in words."""
    return _story_of_sweep(found, facts) if isinstance(found, BiasVarianceSweep) else _story(found, facts)


def sections(found: BiasVariance | BiasVarianceSweep, facts: MeasureFacts) -> list[str]:
    """The figures with their tables, and how the numbers were made."""
    if isinstance(found, BiasVarianceSweep):
        return _sections_of_sweep(found, facts)
    drawn = figures(
        figure(
            svg(parts.draw(found), name="parts", title=balance(found)),
            title="Parts of the expected loss",
            caption=f"With 95% intervals for fresh rows and fresh training sets of the same size. {balance(found)}",
            table=parts.table(found),
        ),
        figure(
            svg(rows.draw(found), name="rows", title=rows.words(found)),
            title="Which rows carry it",
            caption=f"The further above the dotted line, the fewer rows carry it all. {rows.words(found)}",
            table=rows.table(found),
        ),
    )
    top = rows.top(found, facts)
    return [
        section("parts", "Bias and variance", drawn),
        section(
            "rows",
            "Rows with most variance",
            paragraph(
                "Networks that trained on other rows disagree most about these.",
                _NUMBERED,
            ),
            markup.rows(top, caption="Rows with most variance"),
        ),
        _how(found),
    ]


def balance(found: BiasVariance) -> str:
    """Which part is the larger one, where their intervals tell."""
    bias, variance = found.bias_squared.corrected, found.variance.corrected
    name = part_word("bias_squared", found)
    whole = found.loss.corrected.mean
    share = f", {100 * variance.mean / whole:.0f}% of it" if whole > 0 else ""
    sizes = f"variance {with_interval(variance)}{share}; {name} {with_interval(bias)}"
    if variance.low > bias.high:
        return f"Most of the {LOSS_WORDS[found.loss_name]} is variance: {sizes}."
    if bias.low > variance.high:
        return f"Most of the {LOSS_WORDS[found.loss_name]} is {name}: {sizes}."
    return f"Neither part is shown to be the larger: {sizes}."


def advice(found: BiasVariance) -> str:
    """What the larger part suggests, and that it is to be measured."""
    bias, variance = found.bias_squared.corrected, found.variance.corrected
    if variance.low > bias.high:
        return "more rows, stronger regularisation or an ensemble lower variance; evenfit diagnose measures which helps"
    if bias.low > variance.high:
        noise = " unless it is noise, which nothing lowers" if found.includes_noise else ""
        return (
            "a larger network, longer training, weaker regularisation or better columns lower bias"
            f"{noise}; evenfit diagnose measures which helps"
        )
    return "evenfit diagnose measures what helps"


def _story(found: BiasVariance, facts: MeasureFacts) -> Story:
    loss, bias, variance = (part.corrected for part in (found.loss, found.bias_squared, found.variance))
    findings = [("balance", balance(found)), ("so", advice(found)), ("noise", noise(found)), *_chance(found)]
    if found.disagreement is not None:
        findings.append(
            ("disagreement", f"{with_interval(found.disagreement.corrected)} of predictions differ from the main one")
        )
    findings += [("rows", rows.words(found)), ("measured", measured(found)), *_failures(found)]
    cards = (
        (f"Expected {LOSS_WORDS[found.loss_name]}", middle(loss), ends(loss)),
        (capital(part_word("bias_squared", found)), middle(bias), ends(bias)),
        ("Variance", middle(variance), ends(variance)),
    )
    return Story(
        kind="bias and variance",
        lead=balance(found),
        table=parts.table(found),
        cards=cards,
        findings=tuple(findings),
        next=(diagnose_line(facts),),
    )


def _story_of_sweep(sweep: BiasVarianceSweep, facts: MeasureFacts) -> Story:
    place = min(range(len(sweep.points)), key=lambda each: sweep.points[each].loss.corrected.mean)
    best = sweep.points[place]
    word, value = sweep_word(sweep), value_text(sweep.values[place])
    loss = LOSS_WORDS[best.loss_name]
    descent, variance = (f"{capital(sentence)}." for sentence in sweep.sentences)
    lead = f"The {loss} is lowest with {word} {value}, {with_interval(best.loss.corrected)}. {descent}"
    findings = [
        ("lowest", f"{word} {value}: {balance(best)}"),
        ("descent", descent),
        ("variance", variance),
        ("noise", noise(best)),
        ("measured", measured(best)),
        *_failures(*sweep.points),
    ]
    cards = (
        (f"Lowest {loss}", middle(best.loss.corrected), f"With {word} {value}; {ends(best.loss.corrected)}"),
        (
            f"{capital(part_word('bias_squared', best))} there",
            middle(best.bias_squared.corrected),
            ends(best.bias_squared.corrected),
        ),
        ("Variance there", middle(best.variance.corrected), ends(best.variance.corrected)),
    )
    return Story(
        kind="bias and variance",
        lead=lead,
        table=parts.sweep_table(sweep),
        cards=cards,
        findings=tuple(findings),
        next=(diagnose_line(facts),),
    )


def _sections_of_sweep(sweep: BiasVarianceSweep, facts: MeasureFacts) -> list[str]:
    place = min(range(len(sweep.points)), key=lambda each: sweep.points[each].loss.corrected.mean)
    best = sweep.points[place]
    said = " ".join(f"{capital(sentence)}." for sentence in sweep.sentences)
    drawn = figures(
        figure(
            svg(parts.draw_sweep(sweep), name="sweep", title=said),
            title=f"Parts by {sweep_word(sweep)}",
            caption=f"The parts stacked; the line is the loss with its 95% intervals. {said}",
            table=parts.sweep_table(sweep),
        ),
        figure(
            svg(rows.draw(best), name="rows", title=rows.words(best)),
            title=f"Which rows carry it, with {sweep_word(sweep)} {value_text(sweep.values[place])}",
            caption=f"The further above the dotted line, the fewer rows carry it all. {rows.words(best)}",
            table=rows.table(best),
        ),
    )
    return [
        section("parts", "Bias and variance", drawn),
        section(
            "rows",
            "Rows with most variance",
            paragraph(
                f"With {sweep_word(sweep)} {value_text(sweep.values[place])}, where the loss is lowest.",
                _NUMBERED,
            ),
            markup.rows(rows.top(best, facts), caption="Rows with most variance"),
        ),
        _how(best),
    ]


def noise(found: BiasVariance) -> str:
    """What is known of the noise."""
    part = found.noise.part
    known = "" if part is None else exact_or_interval(part.corrected, places=interval_decimals(part.corrected))
    if found.noise.source == "known":
        return f"known, and taken out of the bias: {known}"
    if found.noise.source == "replicated":
        groups, rows_ = count(found.noise.groups, "group"), count(found.noise.rows, "row")
        return f"measured within {groups} of equal rows, {rows_} in all: {known}"
    return f"not known: the bias includes it, so it is at most the bias, {short(found.noise.at_most)}"


def measured(found: BiasVariance) -> str:
    """From what the numbers are."""
    seeds = f" from {count(found.seeds, 'seed')} each" if found.seeds > 1 else ""
    sets = f"{count(found.replicates, 'training set')} of {count(found.training_rows, 'row')}{seeds}"
    return f"{sets}, {_SAMPLING[found.sampling]}; judged on {count(found.rows, 'row')}"


def _chance(found: BiasVariance) -> list[tuple[str, str]]:
    """What of the variance is the rows', and what the seed's."""
    if found.data is None or found.seed is None:
        return []
    return [
        (
            "by data",
            f"{with_interval(found.data.corrected)} of the variance comes from the training rows, which more rows or "
            f"bagging lower; {with_interval(found.seed.corrected)} from the seed, which an ensemble over seeds removes",
        )
    ]


def _failures(*points: BiasVariance) -> list[tuple[str, str]]:
    """Networks that could not be trained, counted."""
    failed = [failure for point in points for failure in point.failures]
    if not failed:
        return []
    shown = "; ".join(failed[:_MOST_FAILURES])
    more = f"; and {len(failed) - _MOST_FAILURES:,} more" if len(failed) > _MOST_FAILURES else ""
    return [("failed", f"{count(len(failed), 'fit')}, left out: {shown}{more}")]


def _how(found: BiasVariance) -> str:
    """How the numbers were made."""
    estimates = (
        "Bias and variance are unbiased estimates: the plug-in ones put variance / replicates too much into the bias. "
        "They can lie below 0, and are shown so."
        if found.correction == "unbiased"
        else "Bias and variance of this loss have no unbiased estimates; these are corrected by the jackknife over "
        "replicates."
    )
    return section(
        "methods",
        "How these numbers were made",
        paragraph(f"{capital(measured(found))}."),
        paragraph(
            estimates,
            "Intervals are those of a two-way jackknife over replicates and rows: they hold what fresh training sets "
            "of this size, judged on fresh rows, would give.",
        ),
    )
