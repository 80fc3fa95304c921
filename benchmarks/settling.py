"""Where searches would have ended with --stop-when-settled, and what that would have saved and cost.

    evenfit fit TABLE --target y --budget "150 trials" --workers 1 --runs measured
    python benchmarks/settling.py measured

Replays every run of a folder of runs: after each second heat the bound on the regret is asked, from the trials so far
alone. A run is to have a budget in trials, and to have been made without --stop-when-settled.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evenfit.experiments.settling import LEAST_TRIALS, regret
from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.space import Space
from evenfit.store import open_store

_HEATS = 2  # of a round, after which a search asks


def main() -> None:
    """Print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="folder of runs")
    with open_store(parser.parse_args().runs, create=False) as store:
        for run in store.runs():
            trials, space = store.trials(run), Space.from_json(run.request["space"])
            splits = trials[0].selection_loss.shape[1]
            factor = 1 / splits + 1 / (splits - 1)  # folds of equal size
            ended = None
            for last in _rounds(trials):
                bounds = regret(space, trials[: last + 1], factor=factor, seed=int(run.request["seed"]))
                if bounds is not None and bounds[0] <= bounds[1]:
                    ended = last + 1, *bounds
                    break
            sys.stdout.write(f"{run.name}: {_told(trials, ended)}\n")


def _rounds(trials: tuple[Trial, ...]) -> list[int]:
    """The places of the last trials of rounds, where enough is known."""
    ends = [
        place
        for place, trial in enumerate(trials)
        if place + 1 == len(trials) or trials[place + 1].round != trial.round
    ]
    return [place for number, place in enumerate(ends) if number % _HEATS == 0 and place + 1 >= LEAST_TRIALS]


def _told(trials: tuple[Trial, ...], ended: tuple[int, float, float] | None) -> str:
    best = _best(trials)
    if ended is None:
        return f"does not settle in {len(trials)} trials"
    count, bound, error = ended
    spent, whole = (sum(trial.seconds for trial in some) for some in (trials[:count], trials))
    return (
        f"settles after {count} of {len(trials)} trials and {spent:.0f} of {whole:.0f} core-seconds; the best loss is "
        f"{_best(trials[:count]):.4g}, in the end {best:.4g}; bound {bound:.2g}, error {error:.2g}"
    )


def _best(trials: tuple[Trial, ...]) -> float:
    return min(trial.loss for trial in trials if trial.status == COMPLETE)


if __name__ == "__main__":
    main()
