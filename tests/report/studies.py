"""Studies made up for the tests: plausible trials, without any training."""

import numpy as np

from evenfit.report.facts import Facts, Finish, Fresh
from evenfit.results.study import Comparison, Ensemble, Estimate, Interval, Side, Study, Truth, Verdict
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
    selected=None,
    repeats=1,
    seed=0,
):
    """A study of a task: the default config, which completes, and others, of which two in three are dropped."""
    draw = np.random.default_rng(seed)
    classes = {"binary": 2, "multiclass": 4, "regression": 1}[task] if classes is None else classes
    truth = make_truth(task, rows=rows, classes=classes, time=time, repeats=repeats, draw=draw)
    known = tuple(make_trial(number, truth, epochs=np.array(epochs), draw=draw) for number in range(trials))
    complete = [trial for trial in known if trial.status == COMPLETE]
    best = min(complete, key=lambda trial: trial.loss) if selected is None else known[selected]
    scale = 1.0 if task != "regression" else 8.0
    plain = best.loss
    return Study(
        truth=truth,
        trials=known,
        selection="one-se",
        default=make_side(known[0], truth),
        selected=make_side(best, truth),
        estimate=Estimate(
            mean=plain + 0.004 * scale,
            low=plain - 0.006 * scale,
            high=plain + 0.015 * scale,
            level=0.95,
            plain=plain,
            optimism=0.004 * scale,
            metric=truth.metric,
            resamples=1000,
        ),
        comparison=Comparison(
            difference=interval(known[0].loss - plain - 0.004, 0.006 * scale),
            better=known[0].loss - plain > 0.010 * scale,
            same=best.number == 0,
        ),
        verdict=Verdict(
            name="balanced",
            gap=make_side(best, truth).gap,
            sentence="Balanced: the gap is small beside the loss, and more capacity did not lower it.",
        ),
        ensemble=Ensemble(trials=(best.number,), weights=(1.0,), loss=plain, single_loss=plain, used=False),
        seconds=57.3,
        stopped="budget",
        notes=(),
    )


def make_truth(task, *, rows, classes, time, repeats, draw):
    """Targets, and splits by turns; in order of time the first block is never validated."""
    split_of = np.stack([draw.permutation(rows) % SPLITS + SPLITS * repeat for repeat in range(repeats)])
    if time:
        split_of = np.sort(split_of[:1]) - 1
        split_of = np.where(split_of < 0, -1, split_of)
    target = draw.gamma(4.0, 2.5, rows) if task == "regression" else draw.integers(classes, size=rows)
    splits = int(split_of.max()) + 1
    return Truth(
        task=task,
        metric="rmse" if task == "regression" else "log_loss",
        target=target,
        classes=classes,
        split_of=split_of,
        training_rows=np.full(splits, rows - rows // SPLITS),
    )


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


def make_trial(number, truth, *, epochs, draw):
    """Losses that fall and rise again, sooner and higher the less a config regularises."""
    config = make_config(number, draw)
    status = COMPLETE if number % 3 == 0 else DROPPED
    epochs = epochs if status == COMPLETE else epochs[: max(1, len(epochs) - 1 - number % 4)]
    splits = len(truth.training_rows)
    strength = config.dropout + min(0.5, 60 * config.l2)
    skill = 0.1 * abs(np.log10(config.learning_rate / 4e-3)) + 0.15 * abs(strength - 0.25)
    floor = (0.25 if truth.classes < 3 else 0.6) + 0.1 * skill
    fall = 0.45 * np.exp(-epochs / (6 + 8 * strength))
    late = np.maximum(0, epochs - 12)
    training = floor + fall - 0.0022 * late * (1.05 - strength)
    validation = floor + fall + 0.02 + 0.0016 * late * (0.6 - strength)
    noise = draw.normal(0, 0.008, splits)
    rough = draw.normal(0, 0.002, (len(epochs), splits))
    training_loss = np.maximum(0.01, training[:, None] + 0.3 * noise + 0.3 * rough)
    validation_loss = np.maximum(0.02, validation[:, None] + noise + rough)
    if truth.task == "regression":
        training_loss, validation_loss = 14 * training_loss, 14 * validation_loss
    best = int(np.argmin(validation_loss.mean(1)))
    predictions = make_predictions(truth, validation_loss[best].mean(), draw)
    return Trial(
        number=number,
        round=number // 4,
        config=config,
        status=status,
        epochs=epochs,
        training_loss=training_loss,
        validation_loss=validation_loss,
        selection_loss=validation_loss,
        row_values=make_row_values(truth, predictions, validation_loss, best),
        best=best,
        predictions=predictions,
        seconds=3.0,
    )


def make_predictions(truth, loss, draw):
    """Out of fold predictions of about that loss; NaN for rows that are never validated."""
    repeats, rows = truth.split_of.shape
    if truth.task == "regression":
        known = truth.target[None, :, None] + draw.normal(0, np.sqrt(loss), (repeats, rows, 1))
    else:
        logits = draw.normal(0, 1.0, (repeats, rows, truth.classes))
        logits += 2.2 * (np.arange(truth.classes) == truth.target[:, None])
        known = logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)
    return np.where(truth.split_of[:, :, None] >= 0, known, np.nan)


def make_row_values(truth, predictions, validation_loss, best):
    """The base loss of each row at each epoch: that of the best epoch, shifted to the epoch's mean."""
    if truth.task == "regression":
        values = (predictions[:, :, 0] - truth.target) ** 2 / np.var(truth.target)
        validation_loss = validation_loss / np.var(truth.target)
    else:
        values = -np.take_along_axis(predictions, truth.target[None, :, None], axis=2)[:, :, 0]
    shift = validation_loss.mean(1) - validation_loss[best].mean()
    return (values[None, :, :, None] + shift[:, None, None, None]).astype(np.float16)


def make_side(trial, truth):
    """A side whose intervals are about as wide as five folds leave them."""
    training = trial.training_loss[trial.best]
    validation = trial.validation_loss[trial.best]
    if truth.task == "regression":
        scores = {"rmse": float(np.sqrt(np.nanmean(validation))), "r2": 0.56}
        on_training = {"rmse": float(np.sqrt(np.nanmean(training))), "r2": 0.61}
    else:
        scores, on_training = {"accuracy": 0.894, "auc": 0.912}, {"accuracy": 0.913}
    return Side(
        trial=trial.number,
        config=trial.config,
        epoch=trial.epoch,
        training_loss=over_splits(training),
        validation_loss=over_splits(validation),
        gap=over_splits(validation - training),
        training_scores=on_training,
        validation_scores=scores,
        selection_loss=over_splits(trial.selection_loss[trial.best]),
    )


def over_splits(values):
    """The corrected interval over five splits."""
    if len(values) < 2:
        return interval(values.mean(), np.nan)
    return interval(values.mean(), 2.776 * np.sqrt((1 / len(values) + 0.25) * values.var(ddof=1)))


def interval(mean, half):
    return Interval(mean=float(mean), low=float(mean - half), high=float(mean + half))


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
        "description": f"{study.truth.task}: {rows:,} rows, 7 numeric and 9 categorical columns; left out: id",
        "target": "subscribed",
        "rows": rows,
        "columns": (("numeric", 7), ("categorical", 9)),
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
