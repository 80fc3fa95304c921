"""Elastic net against L1 on correlated columns: which columns are kept, and are they the same in every fold?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.evidence.intervals import effect, mean_of
from benchmarks.evidence.networks import PLAIN, Array, Effort, make_members, make_samples, train
from benchmarks.evidence.study import Study, Table
from sklearn.model_selection import KFold

from evenfit.specs.config import Config

ROWS, GROUPS, SIZE, NOISE, FOLDS, EPOCHS = 100, 3, 5, 25, 10, 300
TRUE = GROUPS * SIZE
BETAS = {"L1": 1.0, "elastic net, beta 0.5": 0.5, "elastic net, beta 0.2": 0.2}
STRENGTHS = tuple(float(1.2 * 0.6**i) for i in range(8))
SETTING = """
The fourth example of Zou & Hastie, "Regularization and variable selection via the elastic net", 2005, with {rows}
rows: {groups} groups of {size} columns that nearly repeat one another (correlation 0.99) and all matter alike,
{noise} columns that do not matter, and noise of deviation 15. A linear network, full-batch SGD with momentum, whose
proximal step gives exact zeros; {folds} folds on each of {count} tables, {strengths} strengths; for each table and
penalty the strength of the lowest validation loss, which is a little too low for all alike, since it chose. Means
are over tables. Published: the elastic net keeps groups together that L1 picks single columns from. Stability is
Nogueira, Sechidis & Brown's, "On the stability of feature selection algorithms", 2018: 1 where all folds keep the
same columns, 0 as by chance.
"""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Tables of the fourth example of Zou & Hastie, a split for each fold; target and columns standardised."""

    values: Array  # [tables * folds, rows, columns]
    target: Array  # [tables * folds, rows]
    training: list[Array]
    validation: list[Array]


def study(effort: Effort) -> Study:
    """Fit both penalties to every fold at every strength; compare each at the strength that validates best."""
    count = effort.seeds
    tables = make_tables(count)
    samples = make_samples(
        tables.values, tables.target, classes=0, training=tables.training, validation=tables.validation
    )
    base = Config(
        **PLAIN,
        optimiser="sgd",
        momentum=0.9,
        depth=0,
        batch_rows=ROWS,
        learning_rate=0.2,
        epochs=effort.epochs(EPOCHS),
    )
    configs = [base.with_values(elastic_net=strength, beta=beta) for beta in BETAS.values() for strength in STRENGTHS]
    splits = range(count * FOLDS)
    members = make_members(configs, seeds=[1 + split for split in splits], splits=splits)
    trained = train(members, samples, rows=[samples.validation[one.split] for one in members], effort=effort)
    shape = (len(BETAS), len(STRENGTHS), count, FOLDS)
    columns = samples.shape.features
    # a linear network's parameters: the scales of its inputs, all 1, its weights, its bias
    kept = (trained.weights[:, columns : 2 * columns] != 0).reshape(*shape, columns)
    losses = (
        np.array(
            [
                np.mean((outputs[:, 0] - samples.target[one.split][samples.validation[one.split]]) ** 2)
                for outputs, one in zip(trained.outputs, members, strict=True)
            ]
        )
        .reshape(shape)
        .mean(3)
    )
    chosen = losses.argmin(axis=1)  # [betas, tables]
    own = [kept[i, chosen[i], np.arange(count)] for i in range(len(BETAS))]  # [tables, folds, columns] each
    best = [losses[i, chosen[i], np.arange(count)] for i in range(len(BETAS))]
    rows, found = [], {}
    for i, name in enumerate(BETAS):
        share = own[i].mean(axis=1)  # of folds that keep a column, [tables, columns]
        true, noise = share[:, :TRUE], share[:, TRUE:]
        found[name] = {
            "true": mean_of(100 * true.mean(axis=1)),
            "wavering": mean_of(100 * ((true > 0) & (true < 1)).mean(axis=1)),
            "noise": mean_of(100 * noise.mean(axis=1)),
        }
        rows.append(
            [
                name,
                *(one.text(0) for one in found[name].values()),
                mean_of([stability(folds) for folds in own[i]]).text(2),
                mean_of(best[i]).text(),
                mean_of(best[i] - best[0]).text(sign=True) if i else "",
            ]
        )
    lasso, net = (found[name] for name in list(BETAS)[:2])
    gain = mean_of(best[0] - best[1])
    return Study(
        name="selection",
        title="Elastic net against L1: which correlated columns are kept, and how stably",
        setting=SETTING.format(
            rows=ROWS, groups=GROUPS, size=SIZE, noise=NOISE, folds=FOLDS, count=count, strengths=len(STRENGTHS)
        ),
        table=Table(
            columns=[
                "penalty",
                f"kept of the {TRUE} that matter, %",
                f"of the {TRUE}, in some folds only, %",
                f"kept of the {NOISE} that do not, %",
                "stability over folds",
                "validation loss",
                "minus L1's",
            ],
            rows=rows,
        ),
        findings=[
            f"L1 keeps {lasso['true'].mean:.0f}% of the columns that matter, the elastic net with beta 0.5 "
            f"{net['true'].mean:.0f}%; with L1 {lasso['wavering'].mean:.0f}% of them are kept in some folds and not in "
            f"others, with the elastic net {net['wavering'].mean:.0f}%.",
            f"Of the columns that do not matter L1 keeps {lasso['noise'].mean:.0f}%, the elastic net "
            f"{net['noise'].mean:.0f}%.",
            f"In validation loss the elastic net with beta 0.5 is {effect(gain)}; L1's minus "
            f"its own is {gain.text(sign=True)}.",
        ],
    )


def make_tables(count: int) -> Tables:
    """Three groups of five columns that nearly repeat one another and all matter, and 25 that do not."""
    values, target, training, validation = [], [], [], []
    for table in range(count):
        random = np.random.default_rng([table, 4])
        causes = np.repeat(random.standard_normal((ROWS, GROUPS)), SIZE, axis=1)
        x = np.concatenate(
            [causes + 0.1 * random.standard_normal((ROWS, TRUE)), random.standard_normal((ROWS, NOISE))], axis=1
        )
        y = 3 * x[:, :TRUE].sum(axis=1) + 15 * random.standard_normal(ROWS)
        for known, held in KFold(FOLDS, shuffle=True, random_state=table).split(x):
            values.append((x - x[known].mean(0)) / x[known].std(0))
            target.append((y - y[known].mean()) / y[known].std())
            training.append(known)
            validation.append(held)
    return Tables(values=np.stack(values), target=np.stack(target), training=training, validation=validation)


def stability(kept: Array) -> float:
    """Nogueira, Sechidis & Brown's stability of selections, ``[folds, columns]``: 1 if all are one, 0 as by chance.

    "On the stability of feature selection algorithms", JMLR, 2018.
    """
    folds = len(kept)
    share = kept.mean(axis=0)
    spread = (folds / (folds - 1) * share * (1 - share)).mean()
    overall = share.mean()
    expected = overall * (1 - overall)
    return 1.0 if expected == 0 else float(1 - spread / expected)
