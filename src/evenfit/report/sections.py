"""The sections of a page: each a function from a study and its facts to HTML, empty where it does not apply."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evenfit.report import markup
from evenfit.report.configs import MOST, configs
from evenfit.report.confusion import confusion, confusion_html
from evenfit.report.digits import count, fixed, interval_decimals, short, span, with_interval
from evenfit.report.facts import Facts
from evenfit.report.figures import (
    calibration,
    curves,
    gap,
    hyperparameter,
    importance,
    optimism,
    progress,
    regularisers,
    residuals,
)
from evenfit.report.figures.canvas import DEFAULT, SELECTED, svg
from evenfit.report.findings import findings, judged
from evenfit.report.findings import nested as nested_words
from evenfit.report.markup import bullets, code, definitions, figure, figures, paragraph, rows, section
from evenfit.report.methods import SOURCES, methods
from evenfit.report.side_by_side import side_by_side
from evenfit.report.table import Table
from evenfit.report.toml import toml
from evenfit.report.words import (
    as_interval,
    as_score,
    base_loss,
    judged_by_less,
    mattered,
    metric_word,
    network,
    percent,
    searched,
    spending,
    value_word,
)
from evenfit.results.study import Study
from evenfit.results.trial import Trial
from evenfit.specs.config import REGULARISERS

MOST_HYPERPARAMETERS = 20
FEWEST_CONFIGS = 8  # with fewer, points by hyperparameter say nothing


def cards(study: Study) -> str:
    """The three findings to remember: what to expect, what tuning bought, the verdict."""
    estimate, comparison = study.estimate, study.comparison
    known = as_interval(estimate)
    places = interval_decimals(known)
    ends = f"{percent(known.level)} interval {span(known, places=places)}"
    score = as_score(estimate.metric, known)
    difference = with_interval(comparison.difference)
    if comparison.same:
        against = ("no better config found", "The default itself was selected.")
    elif comparison.better:
        against = (f"lower by {difference.partition(' ')[0]}", f"Default minus selected: {difference}")
    else:
        against = ("not shown better", f"Default minus selected: {difference}")
    gap_words = f"Gap, validation minus training: {with_interval(study.verdict.gap)}"
    return markup.cards(
        (
            f"Expected {metric_word(estimate.metric)} on fresh rows",
            fixed(known.mean, places),
            "; ".join(filter(None, (ends, score))),
        ),
        ("Against the default", *against),
        ("Verdict", study.verdict.name, gap_words),
    )


def both_configs(study: Study, facts: Facts) -> str:
    """The default and the selected config side by side, and what was found."""
    known = side_by_side(study)
    return section(
        "configs",
        "Default and selected config",
        rows(known, caption="Default and selected config"),
        paragraph(f"In brackets: {percent(study.selected.validation_loss.level)} intervals over splits."),
        definitions(findings(study, facts)),
    )


def learning(study: Study, facts: Facts) -> str:
    """Learning curves of both configs on equal axes, and the gap."""
    del facts
    by_number = {trial.number: trial for trial in study.trials}
    shown = [("selected", by_number[study.selected.trial], SELECTED)]
    if study.default.trial != study.selected.trial:
        shown.insert(0, ("default", by_number[study.default.trial], DEFAULT))
    loss = base_loss(study)
    ends = curves.span([trial for _, trial, _ in shown])
    drawn = [
        figure(
            svg(
                curves.draw(trial, loss=loss, colour=colour, ends=ends),
                name=f"curve-{label}",
                title=curves.words(trial, loss=loss),
            ),
            title=f"{label.capitalize()} config",
            caption="Clean training loss and validation loss. Bands: one standard deviation over splits; dotted: the "
            "epoch that was chosen.",
            table=curves.table(trial),
        )
        for label, trial, colour in shown
    ]
    drawn.append(
        figure(
            svg(gap.draw(study), name="gap", title=gap.words(study)),
            title="Gap",
            caption="Validation minus training loss with its 95% interval over splits; the ring is the epoch from "
            f"which the gap is certain. {gap.words(study)}",
            table=gap.table(study),
        )
    )
    drawn.append(markup.aside(f"Verdict: {study.verdict.name}", judged(study)))
    return section("learning", "Learning curves", figures(*drawn))


def search(study: Study, facts: Facts) -> str:
    """Best so far against seconds, and what picking the best flatters by."""
    loss = metric_word(study.truth.metric)
    drawn = []
    if len(progress.finished(study, facts)) > 1:
        drawn.append(
            figure(
                svg(progress.draw(study, facts, loss=loss), name="progress", title=progress.words(study, facts)),
                title="Best so far",
                caption=f"Cross-validation mean of each config when it was done. {progress.words(study, facts)}",
                table=progress.table(study, facts),
            )
        )
    if len(study.steps) > 1:
        drawn.append(
            figure(
                svg(optimism.draw(study, loss=loss), name="optimism", title=optimism.words(study)),
                title="Selection optimism",
                caption=f"The more configs compete, the more the winner's own mean flatters. {optimism.words(study)}",
                table=optimism.table(study),
            )
        )
    return section("search", "The search", paragraph(f"{spending(study, facts)}."), figures(*drawn))


def nested(study: Study, facts: Facts) -> str:
    """The searches on parts of the rows, one a row of a table, and what they come to beside the estimate."""
    del facts
    known = study.nested
    if known is None:
        return ""
    words = metric_word(study.truth.metric)
    header = (
        "Rows left out",
        "Trials",
        "Selected networks",
        "Deployed",
        "Default's networks",
        "On its own splits",
        "Selected",
    )
    body = [
        (
            f"{fold.rows:,}",
            f"{fold.trials:,}",
            short(fold.members_loss),
            short(fold.deployed_loss),
            short(fold.default_loss),
            short(fold.plain),
            "the default" if fold.same else network(fold.config, task=study.truth.task),
        )
        for fold in known.folds
    ]
    means = (
        "Mean",
        "",
        *(with_interval(each) for each in (known.members, known.deployed, known.default, known.plain)),
        "",
    )
    return section(
        "nested",
        "Nested cross-validation",
        rows(
            Table(columns=header, rows=(*body, means)),
            caption=f"{words.capitalize()} on rows that each search had not seen",
        ),
        paragraph(f"{nested_words(known, study)}."),
    )


def hyperparameters(study: Study, facts: Facts) -> str:
    """Loss by each value that was searched."""
    del facts
    enough = sum(math.isfinite(trial.loss) for trial in study.trials) >= FEWEST_CONFIGS
    names = worth_drawing(searched(study)) if enough else ()
    drawn = [
        figure(
            svg(
                hyperparameter.draw(study, name, loss=base_loss(study)),
                name=f"value-{name}",
                title=hyperparameter.words(study, name),
            ),
            title=value_word(name),
            caption="",
            table=hyperparameter.table(study, name),
        )
        for name in names
    ]
    if not drawn:
        return ""
    return section(
        "hyperparameters",
        "Loss by hyperparameter",
        paragraph(
            "Blue: validation loss; grey, dashed: clean training loss; lines are running medians. Hollow points were "
            "dropped early; the ring is the selected config. Other values vary at the same time, so read these as "
            "hints, not as effects."
        ),
        figures(*drawn, kind="many"),
    )


def worth_drawing(names: Sequence[str]) -> list[str]:
    """Give the names to draw: regularisers last, those first whose effect is worth most, and the rarest left out."""
    place = {name: position for position, name in enumerate(REGULARISERS)}
    return sorted(names, key=lambda name: place.get(name, -1))[:MOST_HYPERPARAMETERS]


def predictions(study: Study, facts: Facts) -> str:
    """Calibration and confusion, or residuals, of the selected config out of fold."""
    trial = next(trial for trial in study.trials if trial.number == study.selected.trial)
    if study.truth.task == "regression":
        return _residuals(study, trial, facts)
    known = calibration.reliability(
        trial, study.truth, event=facts.classes[-1] if facts.classes else "the second class"
    )
    if not len(known.rows):
        return ""
    drawn = figure(
        svg(calibration.draw(known), name="calibration", title=calibration.words(known)),
        title="Calibration",
        caption="Do probabilities mean what they say? Points on the diagonal do; bars are 95% intervals, below is how "
        "many rows got which probability.",
        table=calibration.table(known),
    )
    names = facts.classes or tuple(str(code) for code in range(study.truth.classes))
    table = confusion_html(confusion(trial, study.truth), names)
    heading = "Which class was predicted for which" if study.truth.classes <= 12 else "Most frequent mistakes"
    return section(
        "predictions",
        "Predictions out of fold",
        figures(drawn, markup.block(heading, table)),
    )


def _residuals(study: Study, trial: Trial, facts: Facts) -> str:
    """Predicted against true, and residuals."""
    known = residuals.predicted(trial, study.truth)
    if not len(known.true):
        return ""
    said = residuals.words(known)
    return section(
        "predictions",
        "Predictions out of fold",
        figures(
            figure(
                svg(
                    residuals.draw_fit(known, target=facts.target), name="fit", title=f"Predicted against true. {said}"
                ),
                title="Predicted against true",
                caption="On the dashed line both are equal.",
                table=residuals.table(known),
            ),
            figure(
                svg(residuals.draw_residuals(known), name="residuals", title=f"Residuals by prediction. {said}"),
                title="Residuals",
                caption=f"What is left unexplained, with its median along the prediction. {said}",
                table=residuals.table(known),
            ),
        ),
    )


def columns(study: Study, facts: Facts) -> str:
    """Permutation importance."""
    if not facts.importance:
        return ""
    loss = base_loss(study)
    hidden = len(facts.importance) - importance.MOST
    more = f" {count(hidden, 'more column')} in the numbers." if hidden > 0 else ""
    missing = sum(number for _, number in facts.columns) - len(facts.importance)
    more += f" {count(missing, 'column')} not measured, for lack of time." if missing > 0 else ""
    return section(
        "columns",
        "Columns that matter",
        figures(
            figure(
                svg(importance.draw(facts, loss=loss), name="importance", title=importance.words(facts)),
                caption="Rise of the loss when a column is shuffled among rows, with 95% intervals; grey: not shown "
                f"to matter. {importance.words(facts)}{more}",
                table=importance.table(facts),
            )
        ),
    )


def regularisation(study: Study, facts: Facts) -> str:
    """Which regularisers mattered: measured on the selected config, and as the search suggests."""
    ranking, loss, drawn = facts.ranking, metric_word(study.truth.metric), []
    said = mattered(ranking)
    if ranking.effects:
        drawn.append(
            figure(
                svg(regularisers.draw(ranking, loss=loss), name="regularisers", title=said),
                title="Without it",
                caption="Rise of the loss when the selected config is trained anew without one regulariser, all else "
                "equal, on the same splits from the same seeds; intervals over splits, probabilities corrected for how "
                f"many there are. {said[:1].upper()}{said[1:]}.",
                table=regularisers.table(ranking),
            )
        )
    if ranking.leaning:
        drawn.append(
            markup.block(
                "What the search leant to",
                paragraph(
                    "How different the best fifth of the configs is from all that were tried. An average over the "
                    "search, in which other values vary, too: a hint, not an effect."
                )
                + rows(regularisers.search_table(ranking), caption="What the search leant to"),
            )
        )
    if not drawn:
        return ""
    return section("regularisers", "Regularisers that mattered", figures(*drawn))


def all_configs(study: Study, facts: Facts) -> str:
    """Every trial, sorted by loss."""
    del facts
    known, marked = configs(study)
    hidden = len(study.trials) - MOST
    less = judged_by_less(study)
    said = f"Sorted by validation loss.{f' Dropped configs were judged {less}.' if less else ''}"
    return section(
        "trials",
        "Configs tried",
        paragraph(said, f"The {count(hidden, 'worst config')} are left out here." if hidden > 0 else ""),
        rows(known, caption="Configs tried", marked=marked),
    )


def data(study: Study, facts: Facts) -> str:
    """What the table was, and what was left out of it."""
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in facts.columns)
    pairs = [("understood as", facts.description), ("rows", f"{facts.rows:,}"), ("columns", kinds)]
    if facts.weights:
        pairs.append(("weights", facts.weights))
    left_out = bullets(f"{column}: {why}" for column, why in facts.left_out)
    notes = bullets(dict.fromkeys((*facts.notes, *study.notes)))
    return section(
        "data",
        "The data",
        definitions(pairs),
        markup.block("Left out", left_out),
        markup.block("Notes", notes),
    )


def how(study: Study, facts: Facts) -> str:
    """How the numbers were made."""
    return section(
        "methods",
        "How these numbers were made",
        *(paragraph(said) for said in methods(study, facts)),
        markup.block("Sources", bullets(SOURCES)),
    )


def selected_config(study: Study, facts: Facts) -> str:
    """The selected config as TOML."""
    del facts
    return section("toml", "The selected config", code(toml(study.selected.config, title="config.toml")))
