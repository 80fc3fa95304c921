"""Splits: which rows to train on, and which to judge by."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from evenfit.data.cells import times
from evenfit.data.schema import Table
from evenfit.errors import ConfigError

QUANTILES = 10  # bins of a regression's target, where whole groups are to be spread evenly over folds
MOST_PARTS = 20  # of which a holdout is some


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """Row numbers to train on, and row numbers to judge by; both rise."""

    train: np.ndarray  # int64
    validate: np.ndarray  # int64
    repeat: int
    fold: int


def make_splits(
    rows: Table | np.ndarray,
    *,
    folds: int,
    repeats: int = 1,
    seed: int,
    holdout: float | None = None,
    groups: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> tuple[Split, ...]:
    """Split rows into folds, each validated once a repeat by a network that did not train on it.

    Classes are spread evenly over the folds, and so is a quantity, by blocks of neighbours in rank, which lowers the
    variance between folds. Sizes of folds differ by at most one row. Groups are never on both sides. With time, the
    rows are cut in order into `folds` + 1 blocks, equal times kept together; every row after the first block is
    validated once, by a network trained on earlier rows alone.

    With a holdout, a repeat is one split: that share of the rows is validated by a network trained on the others,
    spread over classes, groups and quantities in the same way; of rows in time it is the latest.

    Args:
        rows: a table, or its target: whole numbers are codes of classes, floats a quantity.
        folds: how many.
        repeats: how often to split anew.
        seed: of the shuffles.
        holdout: share of the rows, in place of folds; as the nearest fraction of at most 20 parts.
        groups: the group of every row; a table's own if not given.
        time: the time of every row; a table's own if not given.

    Raises:
        ConfigError: there are fewer rows, groups or times than folds need.

    >>> [split.validate.tolist() for split in make_splits(np.array([0, 0, 1, 1, 1]), folds=2, seed=1)]
    [[1, 4], [0, 2, 3]]
    """
    if isinstance(rows, Table):
        if rows.target is None:
            raise ConfigError("splits need a target; the table has none")
        target = rows.target
        groups = rows.groups if groups is None else groups
        time = rows.time if time is None else time
    else:
        target = np.asarray(rows)
    count = len(target)
    held = 1
    if holdout is not None:
        held, folds = _fraction(holdout)
    if not 2 <= folds <= count:
        raise ConfigError(f"folds must be between 2 and the number of rows, {count}; got {folds}")
    if repeats < 1:
        raise ConfigError(f"repeats must be at least 1, got {repeats}")
    if time is not None:
        if groups is not None:
            raise ConfigError("splits must be by group or by time, got both")
        if repeats > 1:
            raise ConfigError(f"repeats must be 1 where rows are ordered in time, got {repeats}")
        return _by_time(np.asarray(time), folds) if holdout is None else (_latest(np.asarray(time), held / folds),)
    splits = []
    for repeat in range(repeats):
        generator = np.random.default_rng([seed, repeat])
        fold_of = _spread(target, folds, generator, groups=groups)
        for fold in range(folds if holdout is None else 1):
            judged = fold_of == fold if holdout is None else fold_of < held
            splits.append(
                Split(train=np.flatnonzero(~judged), validate=np.flatnonzero(judged), repeat=repeat, fold=fold)
            )
    return tuple(splits)


def _fraction(share: float) -> tuple[int, int]:
    """The parts that are held out, and all parts: the nearest fraction of at most 20, neither none nor all."""
    if not 0 < share < 1:
        raise ConfigError(f"holdout must be a share of the rows between 0 and 1, got {share}")
    nearest = Fraction(min(max(share, 1 / MOST_PARTS), 1 - 1 / MOST_PARTS)).limit_denominator(MOST_PARTS)
    return nearest.numerator, nearest.denominator


def _latest(time: np.ndarray, share: float) -> Split:
    """The latest rows apart, cut between different times."""
    order = np.argsort(time, kind="stable")
    cuts = np.flatnonzero(time[order][1:] != time[order][:-1]) + 1
    if not len(cuts):
        raise ConfigError("a holdout in time needs at least 2 different times; got 1")
    begin = int(cuts[np.argmin(np.abs(cuts - (1 - share) * len(time)))])
    return Split(train=np.sort(order[:begin]), validate=np.sort(order[begin:]), repeat=0, fold=0)


def _spread(target: np.ndarray, folds: int, generator: np.random.Generator, *, groups: np.ndarray | None) -> np.ndarray:
    """The fold of every row: neighbours in the order of the target lie in different folds."""
    if groups is not None:
        return _spread_groups(target, np.asarray(groups), folds, generator)
    order = np.lexsort((generator.random(len(target)), target))
    fold_of = np.empty(len(target), np.int64)
    if np.issubdtype(target.dtype, np.floating):
        blocks = [generator.permutation(folds) for _ in range(-(-len(target) // folds))]
        fold_of[order] = np.concatenate(blocks)[: len(target)]
    else:
        # One deal through all classes: sizes of folds, and counts of each class in them, differ by at most one.
        fold_of[order] = generator.permutation(folds)[np.arange(len(target)) % folds]
    return fold_of


def _spread_groups(target: np.ndarray, groups: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold of every row, whole groups at a time: the largest first, each where it unbalances least."""
    names, group_of = np.unique(groups, return_inverse=True)
    if len(names) < folds:
        raise ConfigError(f"folds must be at most the number of groups, {len(names)}; got {folds}")
    if np.issubdtype(target.dtype, np.floating):
        edges = np.unique(np.quantile(target, np.linspace(0, 1, QUANTILES + 1)[1:-1]))
        classes = np.searchsorted(edges, target, side="right")
    else:
        classes = np.unique(target, return_inverse=True)[1]
    counts = np.zeros((len(names), int(classes.max()) + 1))
    np.add.at(counts, (group_of, classes), 1)
    sizes = counts.sum(1)
    shares = np.concatenate([counts / np.maximum(counts.sum(0), 1), sizes[:, None] / sizes.sum()], axis=1)
    filled = np.zeros((folds, shares.shape[1]))
    fold_of = np.empty(len(names), np.int64)
    # The largest first, roughly: in the exact order of sizes all repeats would be the same.
    for group in np.argsort(-sizes * generator.uniform(0.7, 1, len(names))):
        # The sum of squared shares grows least where what the group brings is scarcest; not at all in an empty fold.
        fold = int(np.argmin(filled @ shares[group]))
        filled[fold] += shares[group]
        fold_of[group] = fold
    return fold_of[group_of]


def _by_time(time: np.ndarray, folds: int) -> tuple[Split, ...]:
    """Blocks in order, cut between different times, as near to equal sizes as they allow."""
    order = np.argsort(time, kind="stable")
    cuts = np.flatnonzero(time[order][1:] != time[order][:-1]) + 1  # where a block may begin
    if len(cuts) < folds:
        raise ConfigError(f"{folds} folds in time need at least {folds + 1} different times; got {len(cuts) + 1}")
    begins = [0]
    for fold in range(folds):
        wanted = len(time) * (fold + 1) / (folds + 1)
        # Leave a cut for every fold to come.
        free = cuts[cuts > begins[-1]][: len(cuts[cuts > begins[-1]]) - (folds - 1 - fold)]
        begins.append(int(free[np.argmin(np.abs(free - wanted))]))
    ends = [*begins[2:], len(time)]
    return tuple(
        Split(train=np.sort(order[:begin]), validate=np.sort(order[begin:end]), repeat=0, fold=fold)
        for fold, (begin, end) in enumerate(zip(begins[1:], ends, strict=True))
    )


def describe_splits(splits: tuple[Split, ...]) -> str:
    """One line: how many, and of what sizes."""
    repeats = max(split.repeat for split in splits) + 1
    sizes = sorted({len(split.validate) for split in splits})
    size = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    folds = len(splits) // repeats
    if folds == 1:
        share = sizes[-1] / (sizes[-1] + len(splits[0].train))
        return f"{100 * share:.0f}% held out, {times(repeats, 'repeat')}, {size} rows each"
    return f"{times(folds, 'fold')}, {times(repeats, 'repeat')}, {size} rows each"
