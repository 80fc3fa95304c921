"""Studies made up for the tests: plausible trials, without any training."""

from dataclasses import replace

import numpy as np

from evenfit.report.facts import Facts, Finish, Fresh
from evenfit.results import metrics
from evenfit.results.ablation import HARMS, HELPS, UNCLEAR, Effect
from evenfit.results.front import Prices, make_front
from evenfit.results.hyperparameters import Hyperparameter, Hyperparameters, Pair, Surface
from evenfit.results.leaning import Lean
from evenfit.results.metrics import METRICS, default_metric
from evenfit.results.ranking import Ranking
from evenfit.results.study import Interval, Truth
from evenfit.results.summary import summarise
from evenfit.results.trial import COMPLETE, DROPPED, Trial
from evenfit.specs.config import Config

SPLITS = 5


def make_study(
    task="binary",
    *,
    rows=400,
    trials=12,
    classes=None,
    epochs=(1, 2, 4, 8, 16, 32, 48, 64),
    time=False,
    repeats=1,
    metric=None,
    change=None,
    notes=(),
    seed=0,
):
    """A study of a task: the default config, which completes, and others, of which two in three are dropped."""
    draw = np.random.default_rng(seed)
    classes = {"binary": 2, "multiclass": 4, "regression": 1}[task] if classes is None else classes
    truth, signal = make_truth(task, rows=rows, classes=classes, time=time, repeats=repeats, metric=metric, draw=draw)
    known = [make_trial(number, truth, signal, epochs=np.array(epochs), draw=draw) for number in range(trials)]
    known = [change(trial) for trial in known] if change else known
    return summarise(
        truth, known, selection="one-se", seed=seed, seconds=57.3, stopped="budget", resamples=200, notes=notes
    )


def make_truth(task, *, rows, classes, time, repeats, metric, draw):
    """Targets drawn from a signal, and splits by turns; in order of time the first block is never validated."""
    split_of = np.stack([draw.permutation(rows) % SPLITS + SPLITS * repeat for repeat in range(repeats)])
    if time:
        split_of = np.sort(split_of[:1]) - 1
    signal = draw.normal(0, 1.6, (rows, classes))
    if task == "regression":
        target = np.exp(2.2 + 0.25 * signal[:, 0] + 0.2 * draw.normal(size=rows))
        signal = np.exp(2.22 + 0.25 * signal)
    else:
        target = (signal + draw.gumbel(size=signal.shape)).argmax(axis=1)
    splits = int(split_of.max()) + 1
    truth = Truth(
        task=task,
        metric=metric or default_metric(task),
        target=target,
        classes=classes,
        split_of=split_of,
        training_rows=np.full(splits, rows - rows // SPLITS),
    )
    return truth, signal


def make_config(number, draw):
    """The default, then random ones."""
    if number == 0:
        return Config()
    return Config(
        width=int(draw.choice([64, 128, 256])),
        depth=int(draw.integers(1, 4)),
        activation=str(draw.choice(["mish", "selu", "relu"])),
        learning_rate=float(10 ** draw.uniform(-3.5, -1.5)),
        dropout=float(draw.choice([0.0, draw.uniform(0, 0.5)])),
        l2=float(draw.choice([0.0, 10 ** draw.uniform(-6, -2)])),
        l1=float(draw.choice([0.0, 10 ** draw.uniform(-6, -3)])),
        label_smoothing=float(draw.choice([0.0, 0.05, 0.1])),
    )


def make_trial(number, truth, signal, *, epochs, draw):
    """Predictions that approach the signal and then exaggerate it, the more the less a config regularises."""
    config = make_config(number, draw)
    status = COMPLETE if number % 3 == 0 else DROPPED
    epochs = epochs if status == COMPLETE else epochs[: max(1, len(epochs) - 1 - number % 4)]
    strength = config.dropout + min(0.3, 60 * config.l2)
    reach = 1 - np.exp(-epochs / (5 + 8 * strength))
    late = np.maximum(0, epochs - 16) * max(0.0, 0.5 - strength)
    noise = 0.5 + 0.35 * abs(np.log10(config.learning_rate / 4e-3)) + abs(strength - 0.25)
    error = draw.normal(0, noise, (*truth.split_of.shape, signal.shape[1]))
    predictions = np.stack(
        [make_predictions(truth, signal, error, reach=r, excess=0.03 * x) for r, x in zip(reach, late, strict=True)]
    )
    losses = split_losses(METRICS["rmse" if truth.classes == 1 else "log_loss"], truth, predictions)
    metric = METRICS[truth.metric]
    selection_loss = split_losses(metric, truth, predictions)
    best = int(np.argmin(selection_loss.mean(1)))
    scale = np.var(truth.target) if truth.classes == 1 else 1.0
    gap = scale * (0.9 - strength) * (0.01 + 0.12 * reach + 0.004 * late)
    return Trial(
        number=number,
        round=number // 4,
        config=config,
        status=status,
        epochs=epochs,
        training_loss=losses * (1 + draw.normal(0, 0.02, losses.shape)) - gap[:, None],
        validation_loss=losses,
        selection_loss=selection_loss,
        row_values=metric.values(predictions, truth.target).astype(np.float16),
        best=best,
        predictions=predictions[best],
        seconds=3.0,
    )


def make_predictions(truth, signal, error, *, reach, excess):
    """Out of fold predictions part of the way to the signal, and beyond it; NaN for rows that are never validated."""
    if truth.task == "regression":
        centre = truth.target.mean()
        known = centre + (reach + 0.1 * excess) * (signal - centre + error + 3 * excess * error)
    else:
        logits = reach * (1 + excess) * (0.9 * signal + 0.6 * error)
        known = logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)
    return np.where(truth.split_of[:, :, None] >= 0, known, np.nan)


def split_losses(metric, truth, predictions):
    return metrics.split_losses(metric, metric.values(predictions, truth.target), truth.target, truth.split_of)


def interval(mean, half):
    return Interval(mean=float(mean), low=float(mean - half), high=float(mean + half))


def make_ranking():
    """A regulariser of each verdict, one without which training diverges, and one that there was no time for."""
    endless = Interval(mean=float("inf"), low=float("inf"), high=float("inf"))
    known = [
        ("gradient_clip", 0.5, endless, 0.0, HELPS),
        ("dropout", 0.31, interval(0.021, 0.009), 0.004, HELPS),
        ("l2", 0.12, interval(0.002, 0.006), 0.6, UNCLEAR),
        ("mixup", 0.4, interval(-0.013, 0.008), 0.02, HARMS),
    ]
    return Ranking(
        effects=tuple(
            Effect(name=name, value=value, rise=rise, chance=chance, verdict=verdict)
            for name, value, rise, chance, verdict in known
        ),
        leaning=(
            Lean(name="dropout", importance=0.43, among_best=0.92, among_all=0.6),
            Lean(name="l1", importance=0.02, among_best=0.41, among_all=0.4),
        ),
        unmeasured=("weight_averaging",),
    )


def make_facts(study, **changes):
    """A run around a study."""
    classes = tuple(f"class {code}" for code in range(study.truth.classes)) if study.truth.classes > 1 else ()
    if study.truth.classes == 2:
        classes = ("no", "yes")
    rows = len(study.truth.target)
    columns = ("balance", "age", "poutcome", "month", "housing", "job", "campaign", "contact")
    values = {
        "name": "bank-1",
        "folder": "runs/bank-1",
        "command": "evenfit fit examples/bank.csv --target subscribed --budget 60s",
        "description": f"{study.truth.task}: {rows:,} rows, 3 numeric and 5 categorical columns; left out: id",
        "target": "subscribed",
        "rows": rows,
        "columns": (("numeric", 3), ("categorical", 5)),
        "classes": classes,
        "left_out": (("id", "as many values as rows"), ("version", "constant")),
        "notes": ("2 rows without a target were left out",),
        "budget": "60s",
        "seconds": 60.0,
        "seconds_spent": 57.3,
        "finishes": tuple(
            Finish(trial=trial.number, seconds=4.0 + 50.0 * place / len(study.trials))
            for place, trial in enumerate(study.trials)
        ),
        "importance": tuple(
            (name, interval(0.06 * 0.6**place, 0.004 + 0.002 * place)) for place, name in enumerate(columns)
        ),
        "ranking": make_ranking(),
        "hyperparameters": make_hyperparameters(),
        "fresh": Fresh(
            source="bank-new.csv",
            rows=2000,
            loss=interval(study.estimate.mean + 0.001, 0.012),
            scores=study.selected.validation_scores,
            members_loss=study.estimate.mean + 0.004,
        ),
        "ensemble_gain": 0.0042,
        "versions": (("evenfit", "0.1.0"), ("torch", "2.13.0"), ("numpy", "2.4.6")),
    }
    return Facts(**(values | changes))


def make_hyperparameters():
    """What a search depended on: one that is clear, one that is not, and a pair."""
    return Hyperparameters(
        trials=80,
        explained=0.62,
        alone=(
            Hyperparameter(name="learning_rate", share=interval(0.42, 0.1), chance=0.07, best=0.55),
            Hyperparameter(name="activation", share=interval(0.06, 0.05), chance=0.08, best=0.01),
        ),
        pairs=(Pair(names=("learning_rate", "activation"), share=interval(0.12, 0.04), chance=0.02),),
        surface=Surface(
            names=("learning_rate", "activation"),
            values=((0.001, 0.01, 0.1), ("mish", "relu")),
            losses=((0.4, 0.42), (0.35, 0.31), (0.5, 0.6)),
        ),
        notes=("51 dropped configs count with the loss that they were on the way to",),
    )


def with_front(study, *, objective="size", prefer="best"):
    """The same study with a second objective: prices that fall with the number of the trial."""
    values = tuple(10_000.0 / (1 + trial.number) for trial in study.trials)
    left = {study.trials[0].number: 9000.0} if objective == "size" else {}
    how = "counted" if objective == "size" else "measured"
    prices = Prices(objective=objective, values=values, how=how, networks=SPLITS, left=left)
    return replace(study, front=make_front(study.truth, study.trials, prices, rule=prefer))
