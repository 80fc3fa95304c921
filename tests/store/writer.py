"""A process that adds trials until it is killed, and says so on stdout once each is stored.

Run as: python writer.py RUNS NAME COUNT
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.store.trials import state_of, trial_of

from evenfit.store import open_store


def main(runs, name, count):
    with open_store(Path(runs)) as store:
        known = {run.name: run for run in store.runs()}
        run = known.get(name) or store.create_run({"table": "bank.csv"}, name=name, fingerprint="")
        with store.lock(run):
            first = max((trial.number for trial in store.trials(run)), default=-1) + 1
            print("ready", flush=True)  # noqa: T201
            for number in range(first, first + int(count)):
                store.add_round(run, number, [trial_of(number).config.to_json()], "random")
                store.add_trial(run, trial_of(number), state=state_of(number), seconds_spent=float(number))
                print(number, flush=True)  # noqa: T201
        store.finish(run, {}, "done")


if __name__ == "__main__":
    main(*sys.argv[1:])
