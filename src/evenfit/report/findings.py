"""What a study found, each finding a heading and a sentence: the same words in a terminal and on a page."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace

from evenfit.report.digits import count, short, with_interval
from evenfit.report.expected import against
from evenfit.report.facts import Before, Facts, Fresh
from evenfit.report.remembered import remembered
from evenfit.report.shares import depended_on
from evenfit.report.side_by_side import score
from evenfit.report.traded import traded
from evenfit.report.words import (
    as_interval,
    as_score,
    better,
    mattered,
    metric_word,
    network,
    optimism,
    percent,
    regularisation,
    score_word,
    training,
)
from evenfit.results.forecast import Forecast
from evenfit.results.nested_estimate import NestedEstimate
from evenfit.results.study import Study

MOST_NOTES = 5  # the page has all


def findings(study: Study, facts: Facts) -> tuple[tuple[str, str], ...]:
    """Headings and what is said under them, in the order in which they matter."""
    metric, config = study.estimate.metric, study.selected.config
    found = [
        ("estimate", estimated(study)),
        *([("nested", nested(study.nested, study))] if study.nested else []),
        *([("held out", said)] if (said := held_out(study, facts)) else []),
        ("tuning", better(study.comparison, metric=metric)),
        ("verdict", judged(study)),
        ("regularised", regularisation(config, task=study.truth.task)),
        *([("mattered", said)] if (said := mattered(facts.ranking)) else []),
        *([] if facts.hyperparameters is None else [("depended on", depended_on(facts.hyperparameters))]),
        ("network", network(config, task=study.truth.task)),
        ("trained", training(study.selected)),
        *([] if study.front is None else [("front", traded(study, study.front))]),
        ("deployed", deployed(study, facts)),
    ]
    if facts.fresh:
        found.append(("test", tested(facts.fresh, metric=metric)))
    if facts.forecast:
        found.append(("expected", foretold(facts.forecast, study, facts)))
    if facts.memory:
        found.append(("memory", remembered(facts.memory)))
    found += [("extended", extended(known, study)) for known in facts.before]
    if facts.weights:
        found.append(("weights", facts.weights))
    notes = list(dict.fromkeys((*study.notes, *facts.notes)))
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES - 1 :] = [f"{count(len(notes) - MOST_NOTES + 1, 'more note')} in report.html"]
    return (*found, *(("note", note) for note in notes))


def estimated(study: Study) -> str:
    """The selection-corrected estimate, and the plain mean beside it."""
    known, loss = study.estimate, as_interval(study.estimate)
    score = as_score(known.metric, loss)
    return (
        f"{metric_word(known.metric)} {with_interval(loss)}{f', {score},' if score else ''} on fresh rows: "
        f"{percent(known.level)} interval, corrected for selection (BBC-CV); {optimism(known)}"
    )


def nested(known: NestedEstimate, study: Study) -> str:
    """What whole searches on parts of the rows came to, beside the estimate."""
    metric, estimate = study.estimate.metric, as_interval(study.estimate)
    agreed = "agrees with the estimate" if known.agrees(estimate) else "does not agree with the estimate"
    if known.better:
        than_default = f"lower than the default's by {with_interval(known.difference)}"
    elif known.difference.low > 0:
        than_default = "lower than the default's, but not for certain than when the same is predicted for every row"
    else:
        than_default = f"not shown to be lower than the default's ({with_interval(known.default)})"
    side = "too low" if known.optimism.mean > 0 else "too high"
    same = sum(fold.same for fold in known.folds)
    chosen = f"; {same} of {len(known.folds)} searches selected the default" if same else ""
    return (
        f"{metric_word(metric)} {with_interval(known.members)} on rows that {len(known.folds)} searches had not seen, "
        f"{percent(known.members.level)} interval: {agreed}; {than_default}{chosen}; the searches' plain means were "
        f"{side} by {short(abs(known.optimism.mean), digits=2)}; what would be deployed: "
        f"{with_interval(known.deployed)}"
    )


def held_out(study: Study, facts: Facts) -> str:
    """Which rows judge, where not all of them do; nothing where all do, or where they are in order of time."""
    repeats, every = study.truth.split_of.shape
    rows = int((study.truth.split_of >= 0).any(axis=0).sum())
    if rows == every or facts.time:
        return ""
    times = f" at least once in {repeats} splits" if repeats > 1 else ""
    return f"{rows:,} of {count(every, 'row')} judge{times}: all losses but those on training rows are theirs"


def judged(study: Study) -> str:
    """The verdict's name, its sentence, and the gap with its interval."""
    known = study.verdict
    sentence = known.sentence.rstrip(".")
    said = sentence if known.name in sentence.lower() else f"{known.name}: {sentence}"
    certain = f"{percent(known.gap.level)} interval" if math.isfinite(known.gap.low) else "one split has no interval"
    return f"{said}. Gap {with_interval(known.gap)}, {certain}."


def deployed(study: Study, facts: Facts) -> str:
    """What is handed over, and what ensembling gains on top of the estimate."""
    members, ensemble = len(study.truth.training_rows), study.ensemble
    if facts.time:
        return "the mean of networks of the selected config that were trained again on all rows, the latest included"
    if ensemble.used:
        gained = short(ensemble.single_loss - ensemble.loss, digits=2)
        said = [
            f"an ensemble of {count(len(ensemble.trials), 'config')} with {count(members, 'network')} each; "
            f"out of fold its loss is lower by {gained} than the selected config's"
        ]
    else:
        said = [f"the mean of the selected config's {count(members, 'network')}, one for each split"]
    if facts.ensemble_gain is not None and not ensemble.used:
        change = "lowers" if facts.ensemble_gain >= 0 else "raises"
        said.append(f"averaging {change} the loss by {short(abs(facts.ensemble_gain), digits=2)}, not in the estimate")
    return "; ".join(said)


def tested(fresh: Fresh, *, metric: str) -> str:
    """The deployed model on the rows of ``--test``."""
    shown = {name: value for name, value in fresh.scores.items() if score_word(name) != metric_word(metric)}
    scores = "".join(f", {score_word(name)} {score(value, name)}" for name, value in shown.items())
    members = "" if fresh.members_loss is None else f"; its networks one by one {short(fresh.members_loss)}"
    where = f"on {count(fresh.rows, 'row')} of {fresh.source}"
    return f"{metric_word(metric)} {with_interval(fresh.loss)}{scores} {where}{members}"


def foretold(known: Forecast, study: Study, facts: Facts) -> str:
    """What was expected of the search once its default config was done, and what it came to."""
    epochs = sum(int(trial.epochs[-1]) * int(trial.seen.sum()) for trial in study.trials)
    return against(known, trials=len(study.trials), seconds=facts.seconds_spent or study.seconds, epochs=epochs)


def extended(known: Before, study: Study) -> str:
    """By what a run was extended, and what was to be expected before."""
    said = f"by {known.by}, after {count(known.trials, 'config')} of a budget of {known.budget}"
    if known.loss is None:
        return said
    shown = as_interval(replace(study.estimate, mean=known.loss.mean, low=known.loss.low, high=known.loss.high))
    return f"{said}; the estimate was {metric_word(study.estimate.metric)} {with_interval(shown)}"


def commands(facts: Facts) -> tuple[str, ...]:
    """What to type next."""
    folder = shlex.quote(facts.folder)
    return (f"evenfit predict {folder} new.csv --out predictions.csv", f"evenfit show {folder}")
