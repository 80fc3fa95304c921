"""Dropout's rate: too little overfits, too much underfits."""

from __future__ import annotations

from benchmarks.evidence import teacher
from benchmarks.evidence.figures import lines
from benchmarks.evidence.intervals import mean_of
from benchmarks.evidence.networks import Effort, accuracies
from benchmarks.evidence.study import Study, Table
from benchmarks.evidence.teacher import HELD, make_tables, network

from evenfit.fleet.chance import threshold

TRAINED, EPOCHS = 500, 100
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SETTING = """
{teacher} {trained} rows to train on, {held:,} to judge by; two hidden layers of 64 ReLU units, Adam at 0.001, batches
of 32, {epochs} epochs, dropout behind both hidden layers. {count} tables, one network on each for every rate, paired.
Errors in percent, in evaluation mode on both sides. Rates are rounded to 1/256 here: {highest:g} is {exact:.3f}.
"""


def study(effort: Effort) -> Study:
    """Train one network a rate and a table; errors are those of evaluation mode, where nothing is dropped."""
    count = effort.seeds
    base = network(epochs=effort.epochs(EPOCHS))
    configs = [base.with_values(dropout=rate) for rate in RATES]
    found = accuracies(
        configs,
        make_tables(trained=TRAINED, tables=range(count)),
        seeds=range(1, count + 1),
        splits=range(count),
        effort=effort,
    )
    training, validation = (100 * (1 - one) for one in found)
    best = int(validation.mean(axis=1).argmin())
    means = {"training": [mean_of(one) for one in training], "validation": [mean_of(one) for one in validation]}
    gaps = [mean_of(validation[i] - validation[best]) for i in range(len(RATES))]
    rows = [
        [
            f"{rate:g}",
            means["training"][i].text(1),
            means["validation"][i].text(1),
            "" if i == best else gaps[i].text(1, sign=True),
        ]
        for i, rate in enumerate(RATES)
    ]
    least, most = gaps[0], gaps[-1]
    rising = mean_of(training[-1] - training[best])
    return Study(
        name="dropout-rate",
        title="The rate of dropout: from overfitting to underfitting",
        setting=SETTING.format(
            teacher=teacher.SETTING,
            trained=TRAINED,
            held=HELD,
            epochs=base.epochs,
            count=count,
            highest=RATES[-1],
            exact=threshold(RATES[-1]) / 256,
        ),
        table=Table(columns=["rate", "training error", "validation error", f"more than at {RATES[best]:g}"], rows=rows),
        findings=[
            f"The lowest validation error is at a rate of {RATES[best]:g}; without dropout it is "
            f"{least.text(1, sign=True)} points, at {RATES[-1]:g} {most.text(1, sign=True)} points.",
            f"From {RATES[best]:g} to {RATES[-1]:g} the training error changes by {rising.text(1, sign=True)} points"
            + (": too much dropout underfits." if rising.low > 0 and most.low > 0 else "."),
        ],
        figure=lines(RATES, means, x="rate of dropout", y="error, %"),
        caption="Training and validation error by rate, with 95% intervals over tables.",
    )
