"""Bias and variance: many training sets, a model fitted to each, all judged by the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split, make_splits
from evenfit.errors import ConfigError, DataError
from evenfit.experiments.fitting.fits import Fit, Fitted
from evenfit.fleet.chance import generator, member_seed

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.floating]

HELD_OUT = 4  # one part in so many is held out to judge by
_DRAWS, _HOLDING = 0xB1A5, 0xB1A6  # streams of chance: training sets, and rows to judge by
_MOST_DOUBLES = 1e8  # predictions; more are kept in single precision


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingSets:
    """R training sets, and the rows that they are judged by."""

    sampling: str  # disjoint, bootstrap, out-of-bag or given
    splits: tuple[Split, ...]  # R; train may name a row several times
    judged: Integers  # [N] rows that are judged, by all replicates unless they are out of bag

    @property
    def training_rows(self) -> int:
        """Rows that a replicate trains on, counted as often as they are drawn: the median."""
        return int(np.median([len(split.train) for split in self.splits]))


def hold_out(
    target: npt.NDArray[np.generic], *, seed: int, groups: Integers | None = None
) -> tuple[Integers, Integers]:
    """Hold 25% of the rows out to judge by: (rows to train on, rows to judge by).

    Classes are held out in their shares. A quantity is not: intervals take rows for drawn by chance, and would be too
    wide for rows that were chosen to be spread evenly.

    Example:
        >>> pool, judged = hold_out(np.array([0, 1] * 8), seed=0)
        >>> len(pool), len(judged)
        (12, 4)
    """
    target = np.asarray(target)
    if len(target) < 2 * HELD_OUT:
        raise DataError(f"holding a quarter of the rows out needs at least {2 * HELD_OUT} rows, got {len(target)}")
    if groups is None and np.issubdtype(target.dtype, np.floating):
        order = generator(seed, _HOLDING).permutation(len(target))
        count = len(target) // HELD_OUT
        return np.sort(order[count:]), np.sort(order[:count])
    first = make_splits(target, folds=HELD_OUT, seed=_key(seed, _HOLDING), groups=groups)[0]
    return first.train.astype(np.int64), first.validate.astype(np.int64)


def disjoint(
    pool: Integers, judged: Integers, *, replicates: int, rows: int | None, seed: int, groups: Integers | None = None
) -> TrainingSets:
    """Deal a pool of rows to replicates, each row to at most one: independent training sets, of n / R rows.

    Args:
        pool: rows to train on.
        judged: rows to judge by.
        replicates: R.
        rows: of one replicate; None deals all.
        seed: of the deal.
        groups: of all rows; whole groups are dealt, and the sizes of replicates then differ.

    Raises:
        ConfigError: there are too few rows.
    """
    share = len(pool) // replicates
    wanted = share if rows is None else rows
    if wanted < 2 or wanted > share:
        raise ConfigError(
            f"{replicates} disjoint replicates of {max(wanted, 2):,} rows need {replicates * max(wanted, 2):,}; "
            f"there are {len(pool):,} to train on: ask for fewer replicates or rows, or for sampling='bootstrap'"
        )
    chance = generator(seed, _DRAWS)
    if groups is None:
        order = chance.permutation(pool)
        parts = [order[place * wanted : (place + 1) * wanted] for place in range(replicates)]
    else:
        if (there := len(np.unique(groups[pool]))) < replicates:
            raise ConfigError(f"{replicates} disjoint replicates need as many groups to train on; there are {there}")
        folds = make_splits(np.zeros(len(pool)), folds=replicates, seed=_key(seed, _DRAWS), groups=groups[pool])
        parts = [chance.permutation(pool[fold.validate])[: rows or len(pool)] for fold in folds]
    return _training_sets("disjoint", parts, judged)


def bootstrap(
    pool: Integers, judged: Integers, *, replicates: int, rows: int | None, seed: int, groups: Integers | None = None
) -> TrainingSets:
    """Draw each replicate's rows with replacement: as many as there are, some of them shared with other replicates.

    Replicates share 63% of their distinct rows, so they differ less than independent training sets do.

    Args:
        pool: rows to train on.
        judged: rows to judge by.
        replicates: R.
        rows: of one replicate; None draws as many as there are.
        seed: of the draws.
        groups: of all rows; whole groups are drawn.
    """
    parts = _drawn(pool, replicates=replicates, rows=rows, seed=seed, groups=groups)
    return _training_sets("bootstrap", parts, judged)


def out_of_bag(
    pool: Integers, *, replicates: int, rows: int | None, seed: int, groups: Integers | None = None
) -> TrainingSets:
    """Draw each replicate's rows with replacement, and judge it by those that it did not draw: no row is held out.

    Args:
        pool: rows to train on and to judge by.
        replicates: R.
        rows: of one replicate; None draws as many as there are.
        seed: of the draws.
        groups: of all rows; whole groups are drawn, and judge.
    """
    parts = _drawn(pool, replicates=replicates, rows=rows, seed=seed, groups=groups)
    splits = tuple(
        Split(train=part, validate=np.setdiff1d(pool, part), repeat=0, fold=place) for place, part in enumerate(parts)
    )
    return TrainingSets(sampling="out-of-bag", splits=splits, judged=np.sort(pool))


def given(sizes: Sequence[int], judged: Integers) -> TrainingSets:
    """Take training sets that lie one after the other, the first from row 0."""
    ends = np.cumsum(sizes)
    parts = [np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    return _training_sets("given", parts, judged)


def shortened(sets: TrainingSets, rows: int) -> TrainingSets:
    """Give each replicate the first of its rows alone, so that training sets of several sizes are nested.

    Raises:
        ConfigError: a replicate has fewer.
    """
    least = min(len(split.train) for split in sets.splits)
    if not 2 <= rows <= least:
        raise ConfigError(f"training rows must be between 2 and {least:,}, those of a replicate; got {rows:,}")
    splits = tuple(
        Split(train=split.train[:rows], validate=split.validate, repeat=split.repeat, fold=split.fold)
        for split in sets.splits
    )
    return TrainingSets(sampling=sets.sampling, splits=splits, judged=sets.judged)


def plan_fits(variants: Sequence[int], splits: Sequence[Sequence[int]], *, seeds: int, seed: int) -> list[Fit]:
    """Plan V points of R replicates from S seeds, in this order.

    Seeds depend on (seed, replicate, seed's number) alone, so points of a sweep are paired.

    Args:
        variants: the variant of each point.
        splits: the places of each point's R splits.
        seeds: S.
        seed: of the whole.
    """
    return [
        Fit(variant=variant, split=split, seed=member_seed(seed, replicate, number))
        for variant, own in zip(variants, splits, strict=True)
        for replicate, split in enumerate(own)
        for number in range(seeds)
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class Gathered:
    """What V points of R replicates from S seeds predict for N judged rows."""

    predictions: Numbers  # [V, R, S, N, K]; NaN where a replicate does not judge a row, or failed
    failures: tuple[tuple[str, ...], ...]  # V, each with why fits failed
    notes: tuple[str, ...]
    constant: tuple[int, ...]  # V, how many fits predict the same for all rows
    complete: tuple[int, ...]  # V, replicates of which all fits are there


def gather(
    fitted: Iterable[Fitted],
    fits: Sequence[Fit],
    splits: Sequence[Split],
    *,
    points: int,
    seeds: int,
    judged: Integers,
    width: int,
    tell: Callable[[int, int], None],
) -> Gathered:
    """Gather predictions as fits end, in any order; a replicate of which a fit failed is left out, and said.

    Args:
        fitted: what a learner tells.
        fits: of `plan_fits`.
        splits: that they were fitted on.
        points: V.
        seeds: S.
        judged: [N] rows.
        width: K.
        tell: called with how many fits are done, and of how many.

    Raises:
        DataError: fewer than two replicates of a point are left.
    """
    replicates = len(fits) // (points * seeds)
    shape = (points, replicates, seeds, len(judged), width)
    kind = np.float64 if np.prod(shape, dtype=np.float64) <= _MOST_DOUBLES else np.float32
    predictions = np.full(shape, np.nan, dtype=kind)
    place = np.full(int(judged.max()) + 1, -1)
    place[judged] = np.arange(len(judged))
    failures: list[list[str]] = [[] for _ in range(points)]
    notes: Counter[str] = Counter()
    constant = [0] * points
    fine = np.zeros((points, replicates), np.int64)
    failed: set[tuple[int, int]] = set()
    done = 0
    for done, each in enumerate(fitted, start=1):
        rest, number = divmod(each.number, seeds)
        point, replicate = divmod(rest, replicates)
        notes.update(each.notes)
        if each.failure:
            failed.add((point, replicate))
            failures[point].append(f"replicate {replicate + 1}: {each.failure}")
        else:
            fine[point, replicate] += 1
            rows = splits[fits[each.number].split].validate
            predictions[point, replicate, number, place[rows]] = each.predictions
            constant[point] += int(len(rows) > 1 and bool((np.ptp(each.predictions, axis=0) == 0).all()))
        tell(done, len(fits))
    for pair in failed:
        predictions[pair] = np.nan
    for point, said in enumerate(failures):
        left = replicates - len({replicate for where, replicate in failed if where == point})
        if left < 2:
            raise DataError(f"at least 2 replicates must be fitted; {left} of {replicates} were: {said[0]}")
    stopped = () if done == len(fits) else (f"stopped after {done:,} of {len(fits):,} fits",)
    return Gathered(
        predictions=predictions,
        failures=tuple(tuple(said) for said in failures),
        notes=(*stopped, *_counted(notes, len(fits))),
        constant=tuple(constant),
        complete=tuple((fine == seeds).sum(axis=1).tolist()),
    )


def silent(done: int, whole: int) -> None:
    """Tell nobody how many fits are done."""


def _counted(notes: Mapping[str, int], fits: int) -> tuple[str, ...]:
    return tuple(note if count == fits else f"{note} ({count:,} of {fits:,} fits)" for note, count in notes.items())


def _training_sets(sampling: str, parts: Sequence[Integers], judged: Integers) -> TrainingSets:
    splits = tuple(
        Split(train=np.asarray(part, dtype=np.int64), validate=judged, repeat=0, fold=place)
        for place, part in enumerate(parts)
    )
    return TrainingSets(sampling=sampling, splits=splits, judged=judged)


def _drawn(
    pool: Integers, *, replicates: int, rows: int | None, seed: int, groups: Integers | None
) -> list[npt.NDArray[np.int64]]:
    """Draw with replacement: rows, or whole groups until there are as many rows."""
    wanted = len(pool) if rows is None else rows
    if wanted < 2:
        raise ConfigError(f"a replicate needs at least 2 rows, got {wanted}")
    parts = []
    members = None if groups is None else [pool[groups[pool] == name] for name in np.unique(groups[pool])]
    for replicate in range(replicates):
        chance = generator(seed, _DRAWS, replicate)
        if members is None:
            parts.append(chance.choice(pool, size=wanted, replace=True).astype(np.int64))
            continue
        count = len(members) if rows is None else max(1, round(rows * len(members) / len(pool)))
        chosen = chance.integers(len(members), size=count)
        parts.append(np.concatenate([members[each] for each in chosen]))
    return parts


def _key(seed: int, stream: int) -> int:
    """A seed of its own for one purpose."""
    return int(generator(seed, stream).integers(2**62))


SAMPLINGS = ("disjoint", "bootstrap", "out-of-bag")
