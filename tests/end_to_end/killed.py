"""A command of evenfit that is killed at a chosen moment: ``python killed.py MOMENT COUNT SIGNAL fit shop.csv ...``.

The moment is the COUNT-th call of a function, just before it or just after, of those in MOMENTS.
"""

import os
import signal
import sys

MOMENTS = {  # module, owner, function, whether the function has been called
    "before a heat is stored": ("evenfit.store.store", "Store", "add_round", False),
    "after a heat is stored": ("evenfit.store.store", "Store", "add_round", True),
    "before a trial is stored": ("evenfit.store.store", "Store", "add_trial", False),
    "when its weights are stored": ("evenfit.store.states", None, "write_state", True),
    "when half of its row is": ("evenfit.store.store", None, "write_trial", True),
    "after a trial is stored": ("evenfit.store.store", "Store", "add_trial", True),
    "before a nested search is stored": ("evenfit.runs.nested", None, "_store", False),
    "after a nested search is stored": ("evenfit.runs.nested", None, "_store", True),
    "at the end of the search": ("evenfit.runs.job", None, "run_search", True),
    "in the ablation": ("evenfit.runs.ranking", None, "finished", False),
    "after selecting": ("evenfit.runs.job", None, "conclude", True),
    "before the report is written": ("evenfit.runs.job", None, "write_documents", False),
    "after the report is written": ("evenfit.runs.job", None, "write_documents", True),
    "before it is done": ("evenfit.store.store", "Store", "finish", False),
    "before it is tidied": ("evenfit.store.store", "Store", "prune_states", False),
}


def arm(moment, count, number):
    """Let this process get a signal at a moment."""
    module, owner, name, after = MOMENTS[moment]
    holder = __import__(module, fromlist=["_"])
    holder = getattr(holder, owner) if owner else holder
    plain, left = getattr(holder, name), count

    def struck(*details, **others):
        nonlocal left
        left -= 1
        if left == 0 and not after:
            os.kill(os.getpid(), number)
        answer = plain(*details, **others)
        if left == 0 and after:
            os.kill(os.getpid(), number)
        return answer

    setattr(holder, name, struck)


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]), getattr(signal, sys.argv[3]))
    from evenfit.cli.main import main

    raise SystemExit(main(sys.argv[4:]))
