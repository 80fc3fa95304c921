"""How the numbers of a report were made, in a few honest paragraphs with their sources."""

from __future__ import annotations

import numpy as np

from evenfit.report.digits import count
from evenfit.report.facts import Facts
from evenfit.report.words import base_loss, judged_by_less, metric_word, percent
from evenfit.results.bbc import SHRINK
from evenfit.results.study import Front, Study
from evenfit.specs.objectives import LOSS, SIZE, SMALL

SOURCES = (
    'C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003: the interval of a mean '
    "over splits whose training rows overlap.",
    'I. Tsamardinos, E. Greasidou, G. Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and '
    'accurate cross-validation", Machine Learning 107, 2018: BBC-CV.',
    'L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and regression trees", 1984: the one standard error '
    "rule.",
    'L. Breiman, "Random forests", Machine Learning 45, 2001: permutation importance.',
    'S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979: '
    "probabilities of several regularisers at once.",
    'S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary '
    'subspaces", IJCAI 2023: what a search leant to.',
)


def methods(study: Study, facts: Facts) -> tuple[str, ...]:
    """Paragraphs: losses, splits, intervals, selection, the estimate, what is deployed, importance."""
    return tuple(
        paragraph
        for paragraph in (
            _losses(study),
            _splits(study, facts),
            _intervals(),
            _selection(study),
            _estimate(study),
            _deployed(facts),
        )
        if paragraph
    )


def _losses(study: Study) -> str:
    unit = "in the target's own units" if study.truth.task == "regression" else "in nats"
    return (
        f"Losses are the mean {base_loss(study)} per row, {unit}; lower is better. The training loss is the clean one: "
        "dropout off, no penalties, no smoothing. The validation loss of a row comes from networks that never saw it, "
        "and scaling, categories and weights are fitted on the training rows of each split alone."
    )


def _splits(study: Study, facts: Facts) -> str:
    truth = study.truth
    repeats, rows = truth.split_of.shape
    never = int((truth.split_of < 0).all(axis=0).sum())
    smallest, largest = int(truth.training_rows.min()), int(truth.training_rows.max())
    trained = f"{smallest:,}" if smallest == largest else f"{smallest:,} to {largest:,}"
    parts = [
        f"{count(rows, 'row')} in {count(len(truth.training_rows), 'split')}"
        f"{f', {repeats} repeats' if repeats > 1 else ''}; a network trains on {trained} of them."
    ]
    if truth.groups is not None:
        parts.append(f"Rows of one group stay together; there are {np.unique(truth.groups).size:,} groups.")
    if never and facts.time and len(truth.training_rows) > 1:
        parts.append(f"Splits follow time, and the first {count(never, 'row')} are trained on but never validated.")
    elif never:
        latest = ", the latest" if facts.time else ""
        parts.append(
            f"Networks are judged by rows that are held out{latest}; {count(never, 'row')} are trained on but never "
            "validated."
        )
    return " ".join(parts)


def _intervals() -> str:
    return (
        "Intervals of means over splits use the variance (1/J + validation rows / training rows) s² over J splits and "
        "Student's t with J - 1 degrees of freedom, because training rows overlap. They are intervals for this table's "
        "size of training set, and say nothing of rows that come from somewhere else."
    )


def _selection(study: Study) -> str:
    front = study.front
    rule = _by_loss(study) if front is None or front.prefer == LOSS else _along_the_front(front)
    less = judged_by_less(study)
    dropped = f"Configs that fall behind early are dropped, judged {less}. " if less else ""
    return (
        f"All configs share splits and seeds, and each has one number of epochs, where its mean over splits of "
        f"{metric_word(study.truth.metric)} is lowest. {rule}. {dropped}The default config always completes."
    )


def _by_loss(study: Study) -> str:
    return (
        "Among the configs within one corrected standard error of the best, on the paired difference and on the best's "
        "own mean, the one with the smallest gap is selected"
        if study.selection == "one-se"
        else "The config with the lowest mean is selected"
    )


def _along_the_front(front: Front) -> str:
    if front.prefer == SMALL:
        what = "smallest" if front.objective == SIZE else "fastest"
        return (
            "Among the configs within one corrected standard error of the best, on the paired difference and on the "
            f"best's own mean, the {what} is selected"
        )
    return (
        f"The config at the knee of the front of loss against {front.objective} is selected: the one that lies "
        f"farthest below the line between both ends, by the logarithm of the {front.objective}"
    )


def _estimate(study: Study) -> str:
    known = study.estimate
    return (
        f"The winner's own cross-validation mean is too good, because it was picked for it. The estimate repeats the "
        f"whole selection, epochs included, on {known.resamples:,} bootstraps of the rows, scores each winner on the "
        "rows left out, and adds to the winner's own mean what those winners lose there beyond their mean on all rows "
        f"(BBC-CV); its {percent(known.level)} interval is made of percentiles, drawn in by {SHRINK} since out-of-bag "
        "percentiles are too wide. It is about the networks of the selected config one by one, on "
        f'fresh rows of the same kind. "Better than the default" is said only where the whole '
        f"{percent(study.comparison.difference.level)} interval of the paired difference lies above 0, and the same "
        "prediction for every row is beaten as surely."
    )


def _deployed(facts: Facts) -> str:
    said = [
        "What is deployed is trained again on all rows, since what is to be predicted is later than any of them."
        if facts.time
        else "What is deployed averages the networks of all splits; what that gains is shown apart from the estimate."
    ]
    if facts.importance:
        said.append(
            "Importance is the rise of the loss of validation rows when one column is shuffled among them; of columns "
            "that say the same, each may look idle."
        )
    if facts.ranking.effects:
        said.append(
            "What a regulariser does is measured by training the selected config once more, with it and without it, on "
            "the same splits from the same seeds, which are not those of the search: those chose the config, and would "
            "flatter all it has. The probability of each is corrected for how many there are."
        )
    if facts.fresh:
        said.append(f"{facts.fresh.source} was scored once, at the end.")
    return " ".join(said)
