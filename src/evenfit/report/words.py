"""Configs, metrics and comparisons in words."""

from __future__ import annotations

import math

from evenfit.report.digits import count, duration, fixed, interval_decimals, short, with_interval
from evenfit.report.facts import Facts
from evenfit.results.ablation import HARMS, HELPS, UNCLEAR
from evenfit.results.metrics import METRICS
from evenfit.results.ranking import Ranking
from evenfit.results.study import Comparison, Estimate, Interval, Side, Study
from evenfit.results.trial import DROPPED
from evenfit.specs.config import Config

METRIC_WORDS = {  # what selection looked at, as a loss
    "log_loss": "log loss",
    "accuracy": "error rate",
    "balanced_accuracy": "balanced error rate",
    "auc": "1 - AUC",
    "f1": "1 - F1",
    "rmse": "squared error",
    "mae": "absolute error",
    "r2": "1 - R²",
}
SCORE_WORDS = {"auc": "AUC", "f1": "F1", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}
VALUE_WORDS = {  # the values of a config, as an axis or a column says them
    "width": "width",
    "depth": "depth",
    "activation": "activation",
    "batch_rows": "batch rows",
    "numeric_embedding": "numeric embedding",
    "embedding_size": "embedding size",
    "inputs": "inputs",
    "target": "target",
    "balanced_classes": "balanced classes",
    "epochs": "epochs",
    "optimiser": "optimiser",
    "learning_rate": "learning rate",
    "momentum": "momentum",
    "second_momentum": "second momentum",
    "nesterov": "Nesterov",
    "schedule": "schedule",
    "input_scale_rate": "input scale rate",
    "l1": "L1",
    "l2": "L2",
    "elastic_net": "elastic net",
    "beta": "beta (elastic net)",
    "dropout": "dropout",
    "input_dropout": "input dropout",
    "label_smoothing": "label smoothing",
    "input_noise": "input noise",
    "weight_averaging": "weight averaging",
    "group_lasso": "group lasso",
    "max_norm": "max-norm",
    "unit_norm": "unit norm",
    "spectral_bound": "spectral bound",
    "penalty_schedule": "penalties over the epochs",
    "dropout_kind": "kind of dropout",
    "dropout_schedule": "dropout over the epochs",
    "drop_connect": "DropConnect",
    "weight_noise": "weight noise",
    "mixup": "mixup",
    "r_drop": "R-Drop",
    "activity_l1": "activity L1",
    "sam_radius": "SAM radius",
    "gradient_clip": "gradient clipping",
    "swa_share": "SWA share",
}
_MOST_LEANING = 3  # regularisers that a search leant to, in one line
ACTIVATION_WORDS = {"relu": "ReLU", "selu": "SELU", "mish": "Mish", "silu": "SiLU", "gelu": "GELU"}
OPTIMISER_WORDS = {"adamw": "AdamW", "sgd": "SGD"}


def base_loss(study: Study) -> str:
    """What losses on both sides are: log loss or squared error."""
    return "squared error" if study.truth.task == "regression" else "log loss"


def metric_word(metric: str) -> str:
    """A metric's loss in words; a metric that is not known keeps its own name."""
    return METRIC_WORDS.get(metric, metric)


def as_score(metric: str, loss: Interval) -> str:
    """A metric's loss as the score that a user knows, ends in rising order; empty where loss and score are one.

    Example:
        >>> as_score("accuracy", Interval(mean=0.11, low=0.10, high=0.12))
        'accuracy 0.890 (0.880 to 0.900)'
    """
    known = METRICS.get(metric)
    if known is None or metric_word(metric) == known.label or metric == "mae":
        return ""
    ends = sorted(known.score(end) for end in (loss.low, loss.high))
    score = Interval(mean=known.score(loss.mean), low=ends[0], high=ends[1], level=loss.level)
    return f"{score_word(metric)} {with_interval(score)}"


def score_word(name: str) -> str:
    """A score's name in words: auc is AUC."""
    return SCORE_WORDS.get(name, name.replace("_", " "))


def value_word(name: str) -> str:
    """The name of a config's value in words."""
    return VALUE_WORDS.get(name, name.replace("_", " "))


def regularisation(config: Config, *, task: str) -> str:
    """Everything that regularises, the usual three first, and which of those are absent.

    Example:
        >>> regularisation(Config(dropout=0.18, l2=3.1e-4, label_smoothing=0.05), task="binary")
        'dropout 0.18, L2 3.1e-4, label smoothing 0.05; no L1'
    """
    used = [
        f"{value_word(name)} {short(getattr(config, name), digits=2)}"
        for name in ("dropout", "input_dropout", "l1", "l2")
        if getattr(config, name)
    ]
    if config.elastic_net:
        share = short(config.beta, digits=2)
        used.append(f"elastic net {short(config.elastic_net, digits=2)} (L1 share {share})")
    said = ("dropout", "input_dropout", "l1", "l2", "elastic_net")
    others = [name for name in config.regularisers() if name not in said]
    used += [
        value_word(name) if name == "unit_norm" else f"{value_word(name)} {short(getattr(config, name), digits=2)}"
        for name in others
        if not (name == "label_smoothing" and task == "regression")
    ]
    used += [
        f"{value_word(name)} {getattr(config, name)}"
        for name in ("dropout_kind", "dropout_schedule", "penalty_schedule")
        if getattr(config, name) != getattr(Config(), name)
    ]
    absent = [
        value_word(name)
        for name, present in (
            ("dropout", config.dropout or config.input_dropout),
            ("l1", config.l1 or (config.elastic_net and config.beta > 0)),
            ("l2", config.l2 or (config.elastic_net and config.beta < 1)),
        )
        if not present
    ]
    if not used:
        return "none: no dropout, no L1, no L2"
    return ", ".join(used) + (f"; no {' and no '.join(absent)}" if absent else "")


def mattered(ranking: Ranking) -> str:
    """Which regularisers mattered, as far as is known; empty where nothing is.

    Example:
        >>> from evenfit.results.leaning import Lean
        >>> mattered(Ranking(leaning=(Lean(name="l1", importance=0.5, among_best=0.9, among_all=0.4),)))
        'not measured one by one; in the search: L1 (in 90% of the best configs, in 40% of all)'
    """
    if not ranking.effects:
        leant = [
            f"{value_word(lean.name)} (in {percent(round(lean.among_best, 2))} of the best configs, "
            f"in {percent(round(lean.among_all, 2))} of all)"
            for lean in ranking.leaning[:_MOST_LEANING]
        ]
        return f"not measured one by one; in the search: {', '.join(leant)}" if leant else ""
    by_verdict: dict[str, list[str]] = {HELPS: [], HARMS: [], UNCLEAR: []}
    for effect in ranking.effects:
        rise = short(abs(effect.rise.mean), digits=2)
        word = value_word(effect.name)
        if not math.isfinite(effect.rise.mean):
            word = f"{word} (training diverges without it)"
        elif effect.verdict != UNCLEAR:
            word = f"{word} (without it the loss {'rises' if effect.verdict == HELPS else 'falls'} by {rise})"
        by_verdict[effect.verdict].append(word)
    said = [", ".join(by_verdict[HELPS]) or "none is shown to help"]
    for verdict, words in ((HARMS, "harms"), (UNCLEAR, "not shown to matter")):
        if by_verdict[verdict]:
            said.append(f"{words}: {', '.join(by_verdict[verdict])}")
    if ranking.unmeasured:
        said.append(f"not measured, for lack of time: {', '.join(map(value_word, ranking.unmeasured))}")
    return "; ".join(said)


def network(config: Config, *, task: str) -> str:
    """The shape of a network and what it sees.

    Example:
        >>> network(Config(numeric_embedding="none"), task="binary")
        '2 hidden layers of 128 Mish units; inputs scaled robustly'
    """
    if config.depth:
        unit = ACTIVATION_WORDS[config.activation]
        body = f"{count(config.depth, 'hidden layer')} of {count(config.width, f'{unit} unit')}"
    else:
        body = "a linear model (no hidden layer)"
    embedded = "numbers embedded (periodic), " if config.numeric_embedding == "pbld" else ""
    scaled = "normal quantiles" if config.inputs == "quantile" else "scaled robustly"
    target = ""
    if task == "regression":
        shown = {"standard": "standardised", "log": "as its logarithm", "quantile": "as normal quantiles"}
        target = f"; target {shown[config.target]}"
    return f"{body}; {embedded}inputs {scaled}{target}"


def training(side: Side) -> str:
    """How a side's networks were trained: epochs, optimiser, schedule.

    Example: ``48 of 64 epochs of AdamW, learning rate 0.002 (flat-cosine), batches of 128 rows``.
    """
    config = side.config
    epochs = f"{side.epoch:,} of {count(config.epochs, 'epoch')}"
    if side.epoch == config.epochs:
        epochs = count(config.epochs, "epoch")
    nesterov = " with Nesterov" if config.optimiser == "sgd" and config.nesterov else ""
    momentum = f"momentum {short(config.momentum)}{nesterov}, " if config.optimiser == "sgd" else ""
    balanced = ", classes weighed alike" if config.balanced_classes else ""
    return (
        f"{epochs} of {OPTIMISER_WORDS[config.optimiser]}, {momentum}learning rate "
        f"{short(config.learning_rate, digits=2)} ({config.schedule}), batches of "
        f"{count(config.batch_rows, 'row')}{balanced}"
    )


def better(comparison: Comparison, *, metric: str) -> str:
    """Whether tuning beat the default, no more than is known."""
    if comparison.same:
        return "The default config was selected: tuning found nothing better."
    loss = metric_word(metric)
    known = comparison.difference
    shown = with_interval(known)
    if comparison.better:
        return f"Tuning beats the default: its {loss} is lower by {shown} on rows that did not choose it."
    if math.isfinite(known.high) and known.high < 0:
        places = interval_decimals(known)
        worse = Interval(mean=-known.mean, low=-known.high, high=-known.low, level=known.level)
        return (
            f"Tuning is not shown to beat the default: its {loss} is higher by {with_interval(worse, places=places)}."
        )
    if math.isfinite(known.low) and known.low > 0:  # and yet not better: nothing is learnt
        return (
            f"Tuning is not shown to find anything: its {loss} is lower than the default's by {shown}, but not for "
            "certain than when the same is predicted for every row."
        )
    return f"Tuning is not shown to beat the default: default minus selected is {shown} in {loss}."


def optimism(estimate: Estimate) -> str:
    """What plain cross-validation says of the winner, and by how much that flatters it."""
    places = interval_decimals(as_interval(estimate))
    plain = f"plain cross-validation mean {fixed(estimate.plain, places)}"
    if not math.isfinite(estimate.optimism) or not round(estimate.optimism, places + 1):
        return plain
    side = "too low" if estimate.optimism > 0 else "too high"
    return f"{plain}, {side} by {fixed(abs(estimate.optimism), places + 1)}"


def as_interval(estimate: Estimate) -> Interval:
    """An estimate's mean with its interval."""
    return Interval(mean=estimate.mean, low=estimate.low, high=estimate.high, level=estimate.level)


def takeaway(study: Study, facts: Facts) -> str:
    """What to take away, in one or two sentences."""
    estimate = study.estimate
    known = as_interval(estimate)
    score = as_score(estimate.metric, known)
    expected = (
        f"On fresh rows expect {metric_word(estimate.metric)} {with_interval(known)}{f', {score},' if score else ''} "
        f"when predicting {facts.target}."
    )
    return f"{expected} {better(study.comparison, metric=estimate.metric)}"


def searched(study: Study) -> tuple[str, ...]:
    """The names of the values that differ among the trials: where the search looked."""
    configs = [trial.config.to_json() for trial in study.trials]
    return tuple(name for name in configs[0] if len({config[name] for config in configs}) > 1)


def tried(study: Study) -> str:
    """How many configs were tried, and what became of them: ``41 configs: 12 complete, 29 dropped``."""
    parts = [
        f"{number} {status}"
        for status in ("complete", "dropped", "diverged")
        if (number := sum(trial.status == status for trial in study.trials))
    ]
    return f"{count(len(study.trials), 'config')}: {', '.join(parts)}"


def judged_by_less(study: Study) -> str:
    """By how much less dropped configs were judged: ``at fewer epochs``, ``on fewer splits``; empty without any."""
    whole = {bool(trial.seen.all()) for trial in study.trials if trial.status == DROPPED}
    return " or ".join(way for way, of in (("at fewer epochs", True), ("on fewer splits", False)) if of in whole)


def spending(study: Study, facts: Facts) -> str:
    """What was spent of the budget: ``58 s of 60s; 41 configs: 12 complete, 29 dropped``."""
    spent = duration(facts.seconds_spent or study.seconds)
    budget = f" of {facts.budget}" if facts.budget else ""
    ended = _ENDED.get(study.stopped, "")
    return f"{spent}{budget}; {tried(study)}{ended and f'; {ended}'}"


_ENDED = {  # by what ended a search
    "interrupted": "interrupted",
    "seconds": "ended by the time",
    "trials": "ended by the number of trials",
    "epochs": "ended by the number of epochs",
    "target": "ended by its target",
    "settled": "ended since no gain was to be expected",
    "exhausted": "nothing was left to try",
    "memory": "there was no memory for more trials",
}


def percent(level: float) -> str:
    """A level as people say it: 0.95 is 95%."""
    return f"{short(100 * level)}%"
