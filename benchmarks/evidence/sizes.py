"""Training rows: how many it takes until dropout has something to gain."""

from __future__ import annotations

from benchmarks.evidence import teacher
from benchmarks.evidence.figures import lines
from benchmarks.evidence.intervals import effect, mean_of
from benchmarks.evidence.networks import Effort, accuracies
from benchmarks.evidence.study import Study, Table
from benchmarks.evidence.teacher import HELD, make_tables, network

SIZES, STEPS, RATE, BATCH = (30, 100, 300, 1000, 3000), 1500, 0.5, 32
SETTING = """
{teacher} The network of the section before, with dropout {rate:g} and without, about {steps:,} steps for every size;
{held:,} rows to judge by. {count} tables, paired; validation errors in percent. Published: Srivastava et al.,
"Dropout", 2014, section 7.4, on MNIST: nothing to gain at 100 and 500 rows, then a gain that grows with the rows and
falls again.
"""


def study(effort: Effort) -> Study:
    """Train with and without dropout on the first rows of each table; the number of steps is the same for all."""
    count = effort.seeds
    errors = {}
    for size in SIZES:
        base = network(epochs=effort.epochs(round(STEPS / max(size // BATCH, 1))))
        validation = accuracies(
            [base, base.with_values(dropout=RATE)],
            make_tables(trained=size, tables=range(count)),
            seeds=range(1, count + 1),
            splits=range(count),
            effort=effort,
        )[1]
        errors[size] = 100 * (1 - validation)
    without, dropped = ([mean_of(errors[size][i]) for size in SIZES] for i in (0, 1))
    gains = {size: mean_of(errors[size][0] - errors[size][1]) for size in SIZES}
    best = max(gains, key=lambda size: gains[size].mean)
    smallest, largest = gains[SIZES[0]], gains[SIZES[-1]]
    return Study(
        name="training-rows",
        title="Dropout by the number of training rows",
        setting=SETTING.format(teacher=teacher.SETTING, rate=RATE, steps=STEPS, held=HELD, count=count),
        table=Table(
            columns=["training rows", "without", f"dropout {RATE:g}", "gain, points"],
            rows=[
                [f"{size:,}", without[i].text(1), dropped[i].text(1), gains[size].text(1, sign=True)]
                for i, size in enumerate(SIZES)
            ],
        ),
        findings=[
            f"At {SIZES[0]} rows dropout is {effect(smallest)} ({smallest.text(1, sign=True)} points). The gain is "
            f"largest at {best:,} rows, {gains[best].text(1, sign=True)} points, and {largest.text(1, sign=True)} at "
            f"{SIZES[-1]:,}.",
            "Published for MNIST: nothing to gain from the fewest rows. "
            + ("Here there is a gain even then." if smallest.low > 0 else "Here none is shown either."),
        ],
        figure=lines(
            SIZES,
            {"without": without, f"dropout {RATE:g}": dropped},
            x="training rows",
            y="validation error, %",
            logarithmic=True,
        ),
        caption="Validation error by training rows, with and without dropout, with 95% intervals over tables.",
    )
