"""Weight scaling against Monte Carlo: how many thinned networks must be averaged to match the whole one?"""

from __future__ import annotations

import numpy as np
from benchmarks.evidence import teacher
from benchmarks.evidence.figures import lines
from benchmarks.evidence.intervals import mean_of
from benchmarks.evidence.networks import Array, Effort, make_members, train
from benchmarks.evidence.study import Study, Table
from benchmarks.evidence.teacher import CLASSES, HELD, make_tables, network
from scipy.special import softmax

from evenfit.fleet.layout import Layout, layout

TRAINED, EPOCHS, RATE = 1000, 50, 0.5
SAMPLES = (1, 2, 5, 10, 20, 50, 100, 200)
SETTING = """
{teacher} {trained:,} rows to train on, {held:,} to judge by; two hidden layers of 64 ReLU units, trained with dropout
{rate:g}, Adam at 0.001, {epochs} epochs. {count} tables and networks. Weight scaling predicts once, with all units. A
thinned network has each hidden unit with probability {kept:g}, the same for all rows; the class probabilities of many
are averaged. Published: Srivastava et al., "Dropout", 2014, section 7.5, on MNIST: about 50 match weight scaling in
error.
"""


def study(effort: Effort) -> Study:
    """Train networks with dropout; predict with scaled weights, and with the mean of thinned networks."""
    count = effort.seeds
    samples = make_tables(trained=TRAINED, tables=range(count))
    config = network(epochs=effort.epochs(EPOCHS)).with_values(dropout=RATE)
    members = make_members([config], seeds=range(1, count + 1), splits=range(count))
    trained = train(members, samples, rows=list(samples.validation), effort=effort)
    plan = layout(config, samples.shape, CLASSES)
    labels = [samples.target[i][rows].astype(int) for i, rows in enumerate(samples.validation)]
    whole = np.array([judged(softmax(one, axis=1), y) for one, y in zip(trained.outputs, labels, strict=True)])
    jobs = [
        effort.pool.submit(thinned, plan, trained.weights[i], samples.values[i][rows], labels[i], seed=i)
        for i, rows in enumerate(samples.validation)
    ]
    found = np.array([job.result() for job in jobs])  # [networks, samples, 2]
    errors = [mean_of(found[:, k, 0]) for k in range(len(SAMPLES))]
    gaps = [[mean_of(found[:, k, j] - whole[:, j]) for j in (0, 1)] for k in range(len(SAMPLES))]
    level = next((SAMPLES[k] for k in range(len(SAMPLES)) if gaps[k][0].low <= 0), None)
    rows = [
        [
            f"{size} thinned",
            errors[k].text(1),
            gaps[k][0].text(2, sign=True),
            mean_of(found[:, k, 1]).text(3),
            gaps[k][1].text(4, sign=True),
        ]
        for k, size in enumerate(SAMPLES)
    ]
    scaled = [mean_of(whole[:, 0])] * len(SAMPLES)
    last = gaps[-1]
    return Study(
        name="monte-carlo",
        title="Weight scaling against the mean of thinned networks",
        setting=SETTING.format(
            teacher=teacher.SETTING,
            trained=TRAINED,
            held=HELD,
            rate=RATE,
            kept=1 - RATE,
            epochs=config.epochs,
            count=count,
        ),
        table=Table(
            columns=["prediction", "error, %", "minus scaling's", "log loss", "minus scaling's"],
            rows=[["weight scaling", scaled[0].text(1), "", mean_of(whole[:, 1]).text(3), ""], *rows],
        ),
        findings=[
            "In error, "
            + (
                "no number of thinned networks matches weight scaling."
                if level is None
                else f"the fewest thinned networks that are not shown to be worse than weight scaling: {level}."
            )
            + f" {SAMPLES[-1]} of them differ by {last[0].text(2, sign=True)} points.",
            f"In log loss {SAMPLES[-1]} thinned networks differ from weight scaling by {last[1].text(4, sign=True)}"
            + (": weight scaling is better, and costs one pass." if last[1].low > 0 else "."),
        ],
        figure=lines(
            SAMPLES,
            {"mean of thinned networks": errors, "weight scaling": scaled},
            x="thinned networks averaged",
            y="validation error, %",
            logarithmic=True,
        ),
        caption="Validation error by the number of thinned networks, with 95% intervals over networks.",
    )


def judged(chances: Array, labels: Array) -> tuple[float, float]:
    """Error in percent, and log loss."""
    own = chances[np.arange(len(labels)), labels]
    return 100 * float((chances.argmax(axis=1) != labels).mean()), -float(np.log(np.maximum(own, 1e-15)).mean())


def thinned(plan: Layout, weights: Array, values: Array, labels: Array, *, seed: int) -> list[tuple[float, float]]:
    """Judge the mean of the first so many thinned networks, for each of SAMPLES."""
    random = np.random.default_rng(seed)
    blocks = {one.name: weights[one.start : one.stop].reshape(one.shape) for one in plan.blocks}
    total = np.zeros((len(values), plan.outputs))
    found = []
    for number in range(1, SAMPLES[-1] + 1):
        units = values
        for layer, width in enumerate(plan.widths):
            kept = (random.random(width) >= RATE) / np.float32(1 - RATE)
            units = np.maximum(units @ blocks[f"weight{layer}"] + blocks[f"bias{layer}"], 0) * kept.astype(np.float32)
        total += softmax(units @ blocks["weight_out"] + blocks["bias_out"], axis=1)
        if number in SAMPLES:
            found.append(judged(total / number, labels))
    return found
